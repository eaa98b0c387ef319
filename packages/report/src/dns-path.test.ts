import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DnsPath, DnsPathTry } from "@plumbline/signals/dns-path";
import { dnsPathMermaid } from "./dns-path-mermaid.ts";
import { dnsPathSvg } from "./dns-path-svg.ts";
import { dnsPathText } from "./dns-path-text.ts";

const SERVER = "udp 10.96.0.10:53";
const denied: DnsPathTry = {
	...{ server: SERVER, protocol: "udp", tookMs: 1.25, outcome: "denied", said: "NXDOMAIN" },
	...{ chain: [], values: [] },
};
const silent: DnsPathTry = {
	...{ server: "udp 10.96.0.9:53", protocol: "udp", tookMs: 2000, outcome: "silence" },
	...{ said: "timeout: no answer came", chain: [], values: [] },
};

const PATH: DnsPath = {
	name: "www.shop.example",
	source: "resolv.conf of process 4711",
	search: ["svc.cluster.local"],
	ndots: 5,
	servers: ["udp 10.96.0.9:53", SERVER],
	steps: [
		{
			name: "www.shop.example.svc.cluster.local.",
			domain: "svc.cluster.local",
			lookups: [
				{ type: "A", tries: [silent, denied] },
				{ type: "AAAA", tries: [silent, denied] },
			],
		},
		{
			name: "www.shop.example.",
			lookups: [
				{
					type: "A",
					tries: [
						{
							...{ server: SERVER, protocol: "tcp", tookMs: 21.4, outcome: "values", said: "" },
							chain: ["shop.cdn.example."],
							values: ["192.0.2.7", "192.0.2.8"],
							ttl: 60,
							again: { tookMs: 0.4, ttl: 60 },
						},
					],
				},
				{ type: "AAAA", tries: [{ ...denied, outcome: "empty", said: "no such record" }] },
			],
		},
	],
	searchCosts: [
		{
			...{ library: "glibc", questions: 4, wasted: 2, packets: 4 },
			advice: [
				{ kind: "trailing-dot", name: "www.shop.example.", questions: 2 },
				{ kind: "ndots", ndots: 1, questions: 2 },
			],
		},
		{ library: "go", questions: 4, wasted: 2, packets: 4, advice: [] },
		{ library: "musl", questions: 4, wasted: 2, packets: 8, advice: [] },
	],
	tookMs: 4028,
};

const RENDERED = {
	"dns-path.txt": dnsPathText(PATH, { columns: 100, color: false }),
	"dns-path.mmd": dnsPathMermaid(PATH),
	"dns-path.svg": dnsPathSvg(PATH),
};

for (const [name, rendered] of Object.entries(RENDERED)) {
	test(`golden: ${name}`, () => {
		const file = join(import.meta.dirname, "..", "fixtures", name);
		if (process.env.UPDATE_GOLDENS === "1") writeFileSync(file, rendered);
		assert.equal(rendered, readFileSync(file, "utf8"));
	});
}

test("the search list is not held against a name that is found at once, or that is nowhere without a list", () => {
	const cost = { library: "glibc", questions: 2, wasted: 2, packets: 2, advice: [] } as const;
	for (const searchCosts of [[], [cost], [{ ...cost, wasted: 0 }]])
		assert.doesNotMatch(dnsPathText({ ...PATH, searchCosts }, { columns: 100, color: false }), /costs/);
	const nowhere = [{ ...cost, questions: 8, wasted: 8 }];
	assert.match(
		dnsPathText({ ...PATH, searchCosts: nowhere }, { columns: 100, color: false }),
		/glibc: 8 of 8 questions wasted; it does not find the name\n$/,
	);
});

test("names from outside stay text in every form", () => {
	const hostile = `"]; click n0 "javascript:x"</text><script>alert(1)</script>\u202e\x1b[31m`;
	const told: DnsPathTry = {
		...denied,
		outcome: "values",
		chain: [hostile],
		values: [hostile],
		said: hostile,
	};
	const path: DnsPath = {
		...PATH,
		...{ name: hostile, source: hostile, search: [hostile], servers: [hostile] },
		steps: [{ name: hostile, lookups: [{ type: "A", tries: [told] }] }],
		searchCosts: [
			{
				...{ library: "glibc", questions: 4, wasted: 2, packets: 4 },
				advice: [{ kind: "trailing-dot", name: hostile, questions: 2 }],
			},
		],
	};
	const svg = dnsPathSvg(path);
	assert.doesNotMatch(svg, /<script|\u202e/);
	assert.ok(!svg.includes("\x1b"));
	// Only what this house writes: every other < is a number.
	const tags = new Set([...svg.matchAll(/<\/?([a-z]+)/g)].map(([, tag]) => tag));
	assert.deepEqual([...tags].toSorted(), ["circle", "g", "path", "style", "svg", "text"]);
	const mermaid = dnsPathMermaid(path);
	for (const line of mermaid.split("\n").filter((each) => /^\tn\d+\[/.test(each))) {
		assert.match(line, /^\tn\d+\["[A-Za-z0-9 .,:()/#;-]*"\](:::\w+)?$/);
	}
	const text = dnsPathText(path, { columns: 100, color: false });
	assert.ok(!text.includes("\x1b") && !text.includes("\u202e"));
});
