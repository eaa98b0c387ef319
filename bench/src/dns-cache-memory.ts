/**
 * What the resolver's cache weighs and how long a look into it takes:
 * `node bench/src/dns-cache-memory.ts [--names 100000]`. unbound takes about 640 bytes a name.
 *
 * Memory is what the process holds more after a collection than before the names came; the cache's own count is beside
 * it, for that is what bounds it. A look is `cached`: key, entry, message with the TTLs of this second.
 */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { type CachingResolver, createResolver } from "@plumbline/resolver/resolver";
import type { Ask, Upstreams } from "@plumbline/resolver/upstream";
import { DNS_CLASS, DNS_TYPE, type DnsMessage, type DnsRecord } from "@plumbline/signals/dns-message";

const { values } = parseArgs({ options: { names: { type: "string", default: "100000" } } });
const NAMES = Number(values.names);
const LOOKS = 500_000;
const ROUNDS = 5;
const CACHE_BYTES = 512 * 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const SERVER = { protocol: "dot", address: "192.0.2.53", port: 853 } as const;

/** Forms of an answer, the plainest first. */
const FORMS: { readonly [form: string]: (name: string) => DnsRecord[] } = {
	"one address": (name) => [address(name, 1)],
	"four addresses": (name) => [1, 2, 3, 4].map((last) => address(name, last)),
	"an alias to a delivery network, two addresses": (name) => {
		const end = `d${name.length}${name.split(".")[0]}.edge.delivery-network.example.`;
		const alias = { name, type: DNS_TYPE.CNAME, class: DNS_CLASS.IN, ttl: 3600 };
		return [{ ...alias, data: { kind: "name", name: end } }, address(end, 1), address(end, 2)];
	},
};

process.stdout.write(
	"| answers | names | bytes a name, process | by its own count | ns a look: 1 name | 1,000 | all |\n|---|---|---|---|---|---|---|\n",
);
/** Kept to the end: what one held would be given back while the next is weighed. */
const resolvers: CachingResolver[] = [];
for (const [form, answers] of Object.entries(FORMS)) {
	const upstreams: Upstreams = {
		ask: async ({ question }) => {
			const message = messageOf(question.name, answers(question.name));
			return { kind: "answered", message, server: SERVER, authenticated: true, tries: [] };
		},
		close: async () => {},
	};
	const resolver = createResolver({ upstreams, rules: ttlRules(), cacheBytesMax: CACHE_BYTES });
	resolvers.push(resolver);
	const before = held();
	for (let i = 0; i < NAMES; i++) await resolver.resolve(askFor(i));
	const bytes = (held() - before) / NAMES;
	const own = resolver.cacheSize().bytes / NAMES;
	const looks = [1, 1_000, NAMES].map((names) => nsOfLook((ask) => resolver.cached(ask), names));
	const row = [form, NAMES, Math.round(bytes), Math.round(own), ...looks.map(Math.round)];
	process.stdout.write(`| ${row.join(" | ")} |\n`);
}
for (const resolver of resolvers) await resolver.close();

function held(): number {
	collect();
	collect();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

/** The median round's. */
function nsOfLook(look: (ask: Ask) => unknown, names: number): number {
	const asks = Array.from({ length: names }, (_, i) => askFor(i));
	const rounds = Array.from({ length: ROUNDS }, () => {
		const startMs = performance.now();
		for (let i = 0; i < LOOKS; i++) {
			const ask = asks[i % names];
			if (ask === undefined || look(ask) === undefined) throw new Error("a name is gone");
		}
		return ((performance.now() - startMs) * 1e6) / LOOKS;
	});
	return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

function askFor(i: number): Ask {
	return {
		question: { name: `host${i}.shop${i % 100}.example.com.`, type: DNS_TYPE.A, class: DNS_CLASS.IN },
	};
}

function address(name: string, last: number): DnsRecord {
	const data = { kind: "address", address: `192.0.2.${last}` } as const;
	return { name, type: DNS_TYPE.A, class: DNS_CLASS.IN, ttl: 3600, data };
}

function messageOf(name: string, answers: readonly DnsRecord[]): DnsMessage {
	return {
		...{ id: 0, isResponse: true, opcode: 0, isAuthoritative: false, isTruncated: false },
		...{ recursionDesired: true, recursionAvailable: true, authenticData: false, checkingDisabled: false },
		...{ rcode: 0, questions: [{ name, type: DNS_TYPE.A, class: DNS_CLASS.IN }], answers },
		...{ authorities: [], additionals: [] },
	};
}
