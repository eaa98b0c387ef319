import assert from "node:assert/strict";
import { test } from "node:test";
import { routeTarget } from "./route-target.ts";
import type { RouteTarget } from "./settings.ts";
import { plainRequest } from "./testing/plain-request.ts";
import { plainRoute } from "./testing/plain-route.ts";

const CLIENTS = Array.from({ length: 20_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
const OLD = { upstream: "old" };

function upstreams(targets: readonly Partial<RouteTarget>[], name = "r"): (string | undefined)[] {
	const route = plainRoute(name, {}, targets);
	return CLIENTS.map((client) => routeTarget(route, plainRequest(client))?.upstream);
}

const shareOf = (picks: readonly (string | undefined)[], upstream: string) =>
	picks.filter((pick) => pick === upstream).length / picks.length;

test("a share of the clients, the same on every route that leads there", () => {
	const picks = upstreams([{ upstream: "new", share: 0.1 }, OLD]);
	assert.ok(Math.abs(shareOf(picks, "new") - 0.1) < 0.01);
	assert.deepEqual(upstreams([{ upstream: "new", share: 0.1 }, OLD], "other"), picks);
});

test("a share that grows loses nobody", () => {
	const tenth = upstreams([{ upstream: "new", share: 0.1 }, OLD]);
	const third = upstreams([{ upstream: "new", share: 0.3 }, OLD]);
	assert.ok(tenth.every((pick, at) => pick !== "new" || third[at] === "new"));
	assert.ok(upstreams([{ upstream: "new", share: 0 }, OLD]).every((pick) => pick === "old"));
	assert.ok(upstreams([{ upstream: "new", share: 1 }, OLD]).every((pick) => pick === "new"));
});

test("shares are of all requests, whatever stands before them", () => {
	const picks = upstreams([{ upstream: "a", share: 0.5 }, { upstream: "b", share: 0.25 }, OLD]);
	assert.ok(Math.abs(shareOf(picks, "a") - 0.5) < 0.015);
	assert.ok(Math.abs(shareOf(picks, "b") - 0.25) < 0.015);
	const all = upstreams([{ upstream: "a", share: 0.5 }, { upstream: "b", share: 0.5 }, OLD]);
	assert.equal(shareOf(all, "old"), 0);
});

test("by header and cookie; all conditions of a target must hold", () => {
	const route = plainRoute("r", {}, [
		{ upstream: "both", header: { name: "x-canary", value: "1" }, cookie: { name: "canary", value: "1" } },
		{ upstream: "header", header: { name: "x-canary", value: "1" } },
		{ upstream: "cookie", cookie: { name: "canary", value: "1" } },
		OLD,
	]);
	const at = (...fields: string[]) => routeTarget(route, plainRequest("192.0.2.1", { fields }))?.upstream;
	assert.equal(at("x-canary", "1", "cookie", "canary=1"), "both");
	assert.equal(at("x-canary", "1"), "header");
	assert.equal(at("cookie", "a=b; canary=1"), "cookie");
	assert.equal(at("x-canary", "2", "cookie", "canary=2"), "old");
});

test("nobody, where the last target has conditions too", () => {
	const route = plainRoute("r", {}, [{ header: { name: "x-canary", value: "1" } }]);
	assert.equal(routeTarget(route, plainRequest("192.0.2.1")), undefined);
	assert.equal(routeTarget(plainRoute("r", {}, []), plainRequest("192.0.2.1")), undefined);
});
