/**
 * Against dig and kdig, live: named serves a zone with every type it knows and some that nobody knows.
 *
 *   named ──AXFR──▶ dig          what dig prints is what our text says of the same records
 *   named ──AXFR──▶ our decoder ▶ our encoder ──AXFR──▶ dig, kdig     they print the same as when named is asked
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { freeDnsPorts, startDnsServer } from "@plumbline/lab/dns-servers";
import { missingDnsProgram, requireDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder } from "@plumbline/lab/tied-process";
import type { DnsMessage } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";
import { dnsRecordText, dnsTypeName } from "./dns-text.ts";

const ZONE = "all.test";
const ZONE_FILE = join(import.meta.dirname, "..", "fixtures", "dns", "all-types.zone");
const TYPES_MIN = 70;
const AXFR = 252;
const run = promisify(execFile);

const query = (id: number): DnsMessage => ({
	id,
	isResponse: false,
	opcode: 0,
	isAuthoritative: false,
	isTruncated: false,
	recursionDesired: false,
	recursionAvailable: false,
	authenticData: false,
	checkingDisabled: false,
	rcode: 0,
	questions: [{ name: `${ZONE}.`, type: AXFR, class: 1 }],
	answers: [],
	authorities: [],
	additionals: [],
});

describe("dig", { skip: missingDnsProgram("named", "dig", "kdig") }, () => {
	let named: Awaited<ReturnType<typeof startDnsServer>>;
	let transfer: DnsMessage;

	before(async () => {
		const folder = makeScratchFolder();
		const { dns: port } = await freeDnsPorts(["dns"]);
		copyFileSync(ZONE_FILE, join(folder, "zone"));
		writeFileSync(join(folder, "named.conf"), configuration(folder, port));
		named = await startDnsServer({
			program: requireDnsProgram("named", "apt package bind9"),
			args: ["-g", "-n", "1", "-c", join(folder, "named.conf")],
			folder,
			ports: { udp: port, tcp: port },
			tcpPorts: [port],
			ready: { name: ZONE, type: "SOA" },
		});
		const found = decodeDnsMessage(await askTcp(port, encodeDnsMessage(query(7))));
		assert.ok(found.kind === "decoded", JSON.stringify(found));
		transfer = found.message;
	});
	after(() => named?.stop());

	test("prints every record as we do", async () => {
		const printed = await digged("dig", named.ports.tcp);
		const ours = transfer.answers.map((record) => normal(dnsRecordText(record)));
		assert.ok(new Set(transfer.answers.map(({ type }) => dnsTypeName(type))).size >= TYPES_MIN);
		assert.equal(printed.length, ours.length);
		printed.forEach((line, i) => {
			assert.equal(ours[i], line);
		});
	});

	for (const program of ["dig", "kdig"] as const) {
		test(`reads what we encode: ${program}`, async () => {
			const server = createServer((socket) => {
				socket.on("error", () => {});
				socket.once("data", (bytes) => {
					const asked = decodeDnsMessage(bytes.subarray(2));
					if (asked.kind !== "decoded") return socket.destroy();
					return socket.end(framed(encodeDnsMessage({ ...transfer, id: asked.message.id })));
				});
			});
			server.listen(0, "127.0.0.1");
			await once(server, "listening");
			try {
				const ours = await digged(program, (server.address() as AddressInfo).port);
				assert.deepEqual(ours, await digged(program, named.ports.tcp));
				assert.ok(ours.length > TYPES_MIN);
			} finally {
				server.close();
			}
		});
	}
});

/** Lines of records, in the order of the transfer, spaces made one. */
async function digged(program: "dig" | "kdig", port: number): Promise<string[]> {
	const form = program === "dig" ? ["+nosplit"] : ["+noidn"];
	const path = requireDnsProgram(program, "apt");
	const { stdout } = await run(path, [
		"@127.0.0.1",
		"-p",
		String(port),
		ZONE,
		"AXFR",
		"+noall",
		"+answer",
		...form,
	]);
	const lines = stdout.split("\n").map(normal);
	return lines.filter((line) => line !== "" && !line.startsWith(";"));
}

function normal(line: string): string {
	return line.replace(/[ \t]+/g, " ").trim();
}

function framed(message: Uint8Array): Uint8Array {
	return Uint8Array.from([message.length >> 8, message.length & 0xff, ...message]);
}

async function askTcp(port: number, message: Uint8Array): Promise<Uint8Array> {
	const socket = connect(port, "127.0.0.1");
	socket.write(framed(message));
	let bytes = Buffer.alloc(0);
	for await (const piece of socket) {
		bytes = Buffer.concat([bytes, piece as Buffer]);
		if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) break;
	}
	socket.destroy();
	return bytes.subarray(2, 2 + bytes.readUInt16BE(0));
}

function configuration(folder: string, port: number): string {
	return `options {
	directory "${folder}";
	pid-file none;
	session-keyfile none;
	listen-on port ${port} { 127.0.0.1; };
	listen-on-v6 { none; };
	recursion no;
	dnssec-validation no;
};
controls { };
zone "${ZONE}" { type primary; file "${join(folder, "zone")}"; check-names ignore; };
`;
}
