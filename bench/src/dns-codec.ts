/**
 * The DNS codec beside npm's dns-packet, on messages that named and dig sent, in one run:
 * `node bench/src/dns-codec.ts [--rounds 15] [--times 20000]`.
 *
 * Both take turns, round after round, in one process; the median of the rounds is shown. Beside them: walking a
 * stored answer for the places of its TTLs, and putting new TTLs there, which is what a server does for a cache hit.
 * Prints Markdown.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import { walkRecords } from "@plumbline/signals/dns-wire";
import dnsPacket from "dns-packet";

const OPT = 41;
const ROUNDS_MAX = 200;
const TIMES_MAX = 1_000_000;
const FIXTURES = join(import.meta.dirname, "..", "..", "packages", "signals", "fixtures", "dns");
const MESSAGES = {
	"query with a client subnet and padding": "subnet-query",
	"answer: two CNAMEs and an address": "chain-answer",
	"no such name: SOA": "nxdomain-answer",
	"referral: two servers and their addresses": "referral-answer",
	"signed no such name: three NSEC3 and RRSIG": "signed-nxdomain-answer",
} as const;

const { values } = parseArgs({
	options: { rounds: { type: "string", default: "15" }, times: { type: "string", default: "20000" } },
});
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));
const times = Math.min(TIMES_MAX, Number(values.times));

/** What is worked on must be used, or it is not done. */
let used = 0;

process.stdout.write(
	`${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, Node ${process.version}; ${rounds} rounds of ${times}; CPU ns a call.\n\n`,
);
process.stdout.write(
	"| message | octets | decode | dns-packet | encode | dns-packet | walk and rewrite TTLs |\n|---|---|---|---|---|---|---|\n",
);
for (const [what, file] of Object.entries(MESSAGES)) {
	const bytes = new Uint8Array(readFileSync(join(FIXTURES, `${file}.dns`)));
	const buffer = Buffer.from(bytes);
	const decoded = decodeDnsMessage(bytes);
	if (decoded.kind !== "decoded") throw new Error(`${file} is ${decoded.kind}`);
	const { message } = decoded;
	const theirs = dnsPacket.decode(buffer);
	const [decode, theirDecode, encode, theirEncode, rewrite] = medians([
		() => used + Number(decodeDnsMessage(bytes).kind === "decoded"),
		() => used + (dnsPacket.decode(buffer).questions?.length ?? 0),
		() => used + encodeDnsMessage(message).length,
		() => used + dnsPacket.encode(theirs).length,
		() => used + rewriteTtls(bytes),
	]);
	const cells = [
		what,
		bytes.length,
		decode,
		beside(theirDecode, decode),
		encode,
		beside(theirEncode, encode),
		rewrite,
	];
	process.stdout.write(
		`| ${cells.map((cell) => (typeof cell === "number" ? cell.toFixed(0) : cell)).join(" | ")} |\n`,
	);
}

function beside(theirs = 0, ours = 1): string {
	return `${theirs.toFixed(0)} (${(theirs / ours).toFixed(1)}x)`;
}

/** CPU nanoseconds of one call, of all threads of the process; each work in turn every round. */
function medians(works: readonly (() => number)[]): number[] {
	const found = works.map(() => [] as number[]);
	for (let round = 0; round <= rounds; round++) {
		for (const [i, work] of works.entries()) {
			const before = process.cpuUsage();
			for (let n = 0; n < times; n++) used = work() & 0xffff;
			const { user, system } = process.cpuUsage(before);
			// The first round is for the compiler.
			if (round > 0) found[i]?.push(((user + system) * 1e3) / times);
		}
	}
	return found.map((costs) => costs.toSorted((a, b) => a - b)[costs.length >> 1] ?? Number.NaN);
}

function rewriteTtls(bytes: Uint8Array): number {
	const walked = walkRecords(bytes);
	if (walked.kind === "broken") throw new Error(walked.why);
	for (const { type, ttlAt } of walked.records) {
		if (type === OPT) continue;
		bytes[ttlAt] = 0;
		bytes[ttlAt + 1] = 0;
		bytes[ttlAt + 2] = 0;
		bytes[ttlAt + 3] = 60;
	}
	return walked.records.length;
}
