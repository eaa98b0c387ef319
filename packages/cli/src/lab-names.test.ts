import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readCapture } from "@plumbline/capture/file";
import { loadScenario } from "@plumbline/lab/scenario";
import { decodeCapture } from "@plumbline/signals/decode";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { dnsComparison, nameMismatches } from "./lab-names.ts";

test("each recorded check says of each name what its scenario expects", async () => {
	for (const name of [
		"dns-hijack",
		"dns-hijack-address",
		"dns-honest",
		"dns-split-horizon",
		"dns-cdn",
		"dns-slow",
	]) {
		const signals = decodeCapture(await readCapture(join(CAPTURES_FOLDER, `${name}.plumb`)));
		assert.deepEqual(nameMismatches(loadScenario(name), signals), [], name);
		const missing = nameMismatches(loadScenario(name), { dnsChecks: [] });
		assert.deepEqual(missing, ["expected a check of the name servers, none was made"]);
	}
	const forged = decodeCapture(await readCapture(join(CAPTURES_FOLDER, "dns-hijack.plumb")));
	assert.deepEqual(nameMismatches(loadScenario("dns-cdn"), forged), [
		"expected cdn-variance for rates.carrier.example, found hijacked",
		"expected cdn-variance for www.carrier.example, found undefined",
	]);
});

test("it is asked for only where the scenario compares", () => {
	const names = { address: "127.53.4.7", trusted: ["udp://127.53.9.1:53"] };
	assert.deepEqual(dnsComparison({ pid: 7, scenario: loadScenario("healthy-dns"), names }), {});
	assert.equal(
		dnsComparison({ pid: 7, scenario: loadScenario("dns-cdn"), names }).dnsCheck?.source,
		"resolv.conf of process 7",
	);
});
