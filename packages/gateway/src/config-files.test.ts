import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { ConfigFiles } from "./config-files.ts";

const DAY_MS = 86_400_000;

describe("files of certificates", { skip: missingDnsProgram("openssl") }, () => {
	const folder = makeScratchFolder();
	const other = makeScratchFolder();
	let one: Awaited<ReturnType<typeof makeLabCertificate>>;
	let two: typeof one;
	before(async () => {
		one = await makeLabCertificate(folder, "one.test");
		two = await makeLabCertificate(other, "two.test");
	});
	after(() => {
		removeScratchFolder(folder);
		removeScratchFolder(other);
	});

	test("a pair that belongs together is no fault; one that does not is", () => {
		const files = new ConfigFiles(Date.now());
		files.pair(one.certificateFile, one.keyFile, []);
		assert.equal(files.faults.length, 0);
		assert.equal(files.digests.size, 2);
		files.pair(one.certificateFile, two.keyFile, ["tls"]);
		assert.match(files.faults[0]?.message ?? "", /is not the key of/);
	});

	test("a pair that TLS would refuse at the start", () => {
		const [certificate, key] = [join(folder, "short.pem"), join(folder, "short.key")];
		const request = ["req", "-x509", "-newkey", "rsa:512", "-nodes", "-subj", "/CN=short", "-days", "9"];
		execFileSync("openssl", [...request, "-keyout", key, "-out", certificate], { stdio: "ignore" });
		const files = new ConfigFiles(Date.now());
		files.pair(certificate, key, ["tls"]);
		assert.match(files.faults[0]?.message ?? "", /^TLS does not take .*short\.pem: .*too small/);
	});

	test("what is no certificate, no key, or not there", () => {
		const files = new ConfigFiles(Date.now());
		const junk = join(folder, "junk");
		writeFileSync(junk, "junk");
		files.pair(junk, junk, []);
		files.authority(join(folder, "none"), []);
		files.read(folder, []);
		assert.deepEqual(
			files.faults.map(({ message }) => message.slice(message.indexOf(" ") + 1)),
			[
				"is no certificate in PEM",
				"is no private key in PEM, or has a passphrase",
				"cannot be read: it is not there",
				"cannot be read: it is a folder",
			],
		);
	});

	test("one that ended, or ends soon, is a warning", () => {
		const files = new ConfigFiles(Date.now() + 10_000 * DAY_MS);
		files.authority(one.certificateFile, []);
		assert.match(files.warnings[0]?.message ?? "", /ended on/);
		assert.deepEqual(files.faults, []);
	});
});
