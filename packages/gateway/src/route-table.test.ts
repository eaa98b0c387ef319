import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RequestHead } from "./message.ts";
import { routeTable } from "./route-table.ts";
import type { RouteMatch, RouteSettings } from "./settings.ts";
import { plainHead } from "./testing/plain-request.ts";
import { plainRoute } from "./testing/plain-route.ts";

const SEED = 20_262;
const prefix = (value: string) => ({ kind: "prefix", value }) as const;
const exact = (value: string) => ({ kind: "exact", value }) as const;

test("prefixes end where a segment ends; exact paths are exact", () => {
	const table = routeTable([
		plainRoute("rest"),
		plainRoute("api", { path: prefix("/api") }),
		plainRoute("api-v1", { path: prefix("/api/v1/") }),
		plainRoute("health", { path: exact("/health") }),
		plainRoute("health-slash", { path: exact("/health/") }),
		plainRoute("home", { path: exact("/") }),
	]);
	const at = (path: string) => table.find(plainHead({ path }))?.name;
	assert.equal(at("/api"), "api");
	assert.equal(at("/api/x"), "api");
	assert.equal(at("/apix"), "rest");
	assert.equal(at("/ap"), "rest");
	assert.equal(at("/api/v1"), "api-v1");
	assert.equal(at("/api/v1/x?y=/z"), "api-v1");
	assert.equal(at("/api/v10"), "api");
	assert.equal(at("/health"), "health");
	assert.equal(at("/health?x"), "health");
	assert.equal(at("/health/"), "health-slash");
	assert.equal(at("/health/x"), "rest");
	assert.equal(at("/"), "home");
	assert.equal(at("/?x"), "home");
	assert.equal(at("*"), "rest");
});

test("hosts: exact before suffix before any, whatever their writing", () => {
	const table = routeTable([
		plainRoute("any"),
		plainRoute("all", { hosts: ["*.example.com"] }),
		plainRoute("deep", { hosts: ["*.eu.example.com"] }),
		plainRoute("shop", { hosts: ["shop.example.com", "[2001:db8::1]"] }),
	]);
	const at = (authority: string) => table.find(plainHead({ authority }))?.name;
	assert.equal(at("shop.example.com"), "shop");
	assert.equal(at("SHOP.Example.com:8443"), "shop");
	assert.equal(at("shop.example.com."), "shop");
	assert.equal(at("shop.example.com.:80"), "shop");
	assert.equal(at("[2001:DB8::1]:80"), "shop");
	assert.equal(at("[2001:db8::2]"), "any");
	assert.equal(at("www.example.com"), "all");
	assert.equal(at("a.b.example.com"), "all");
	assert.equal(at("a.eu.example.com"), "deep");
	assert.equal(at("eu.example.com"), "all");
	assert.equal(at("example.com"), "any");
	assert.equal(at(".example.com"), "any");
	assert.equal(at("notexample.com"), "any");
	assert.equal(at(""), "any");
});

test("a host's routes that do not match leave the request to the next host", () => {
	const table = routeTable([
		plainRoute("any", { path: prefix("/status") }),
		plainRoute("shop", { hosts: ["shop.example.com"], path: prefix("/cart"), methods: ["POST"] }),
	]);
	assert.equal(table.find(plainHead({ authority: "shop.example.com", path: "/status" }))?.name, "any");
	assert.equal(table.find(plainHead({ authority: "shop.example.com", path: "/cart" })), undefined);
});

test("no route is slipped past by another writing of its path", () => {
	const table = routeTable([plainRoute("open"), plainRoute("guarded", { path: prefix("/admin") })]);
	const at = (path: string) => table.find(plainHead({ path }))?.name;
	for (const path of ["/%61dmin", "//admin", "/admin;x", "/;/admin/x"]) {
		assert.equal(at(path), "guarded", path);
	}
	for (const path of ["/x/../admin", "/%2e%2e/admin", "/x%2f..%2fadmin", "/x/..;/admin", "/x\\..\\admin"]) {
		assert.equal(at(path), undefined, path);
	}
});

test("a path that could never match is refused with the table", () => {
	assert.throws(() => routeTable([plainRoute("a", { path: prefix("/x/../y") })]), RangeError);
	assert.throws(() => routeTable([plainRoute("a", { path: exact("x") })]), RangeError);
});

const HOSTS = ["a.test", "b.a.test", "c.b.a.test", "test", "d.test"];
const someHosts = fc.uniqueArray(fc.constantFrom("a.test", "b.a.test", "*.a.test", "*.test", "*.b.a.test"), {
	maxLength: 2,
});
const path = fc
	.array(fc.constantFrom("x", "y", "xy"), { maxLength: 3 })
	.chain((segments) =>
		fc.constantFrom("", "/").map((end) => `/${segments.join("/")}${end}`.replace("//", "/")),
	);
const someMatch: fc.Arbitrary<RouteMatch> = fc.record({
	hosts: someHosts,
	path: fc.record({ kind: fc.constantFrom("prefix", "exact"), value: path }),
	methods: fc.constantFrom([], ["GET"], ["POST", "PUT"]),
	headers: fc.constantFrom([], [{ name: "x-a", value: "1" }], [{ name: "X-A", value: undefined }]),
});
const someHead = fc
	.record({
		authority: fc.constantFrom(...HOSTS),
		path,
		method: fc.constantFrom("GET", "POST"),
		fields: fc.constantFrom([], ["x-a", "1"], ["x-a", "2"]),
	})
	.map(plainHead);

/** How particular a host pattern is for this host; -1: not at all. */
function hostRank(pattern: string, host: string): number {
	if (pattern === host) return 1_000;
	return pattern.startsWith("*.") && host.endsWith(pattern.slice(1)) ? pattern.length : -1;
}

function naiveRank({ match }: RouteSettings, head: RequestHead): readonly number[] | undefined {
	const host =
		match.hosts.length === 0 ? 0 : Math.max(...match.hosts.map((one) => hostRank(one, head.authority)));
	const base = match.path.value.replace(/\/$/, "");
	const isExact = match.path.kind === "exact";
	const fits = isExact
		? head.path === match.path.value
		: base === "" || head.path === base || head.path.startsWith(`${base}/`);
	if (host < 0 || !fits) return undefined;
	if (match.methods.length > 0 && !match.methods.includes(head.method)) return undefined;
	for (const { name, value } of match.headers) {
		const found = head.value(name.toLowerCase());
		if (found === undefined || (value !== undefined && found !== value)) return undefined;
	}
	const headers = match.headers.reduce((sum, { value }) => sum + (value === undefined ? 1 : 2), 0);
	return [host, isExact ? 1 : 0, base.length, headers, match.methods.length > 0 ? 1 : 0];
}

function naiveFind(routes: readonly RouteSettings[], head: RequestHead): RouteSettings | undefined {
	let best: { readonly route: RouteSettings; readonly rank: readonly number[] } | undefined;
	for (const route of routes) {
		const rank = naiveRank(route, head);
		if (rank === undefined) continue;
		const at = rank.findIndex((number, nth) => number !== best?.rank[nth]);
		if (best === undefined || (at >= 0 && (rank[at] ?? 0) > (best.rank[at] ?? 0))) best = { route, rank };
	}
	return best?.route;
}

test("finds what a look at all routes finds", () => {
	let found = 0;
	fc.assert(
		fc.property(
			fc.array(someMatch, { maxLength: 8 }),
			fc.array(someHead, { maxLength: 20 }),
			(matches, heads) => {
				const routes = matches.map((match, at) => plainRoute(`r${at}`, match));
				const table = routeTable(routes);
				for (const head of heads) {
					const route = table.find(head);
					assert.equal(route?.name, naiveFind(routes, head)?.name, `${head.authority}${head.path}`);
					if (route !== undefined) found++;
				}
			},
		),
		{ seed: SEED, numRuns: 1_500 },
	);
	assert.ok(found > 1_000, `${found}`);
});

test("many authorities are forgotten, not kept", () => {
	const table = routeTable([plainRoute("all", { hosts: ["*.example.com"] }), plainRoute("any")]);
	for (let nth = 0; nth < 5_000; nth++) {
		assert.equal(table.find(plainHead({ authority: `n${nth}.example.com` }))?.name, "all");
	}
});
