import assert from "node:assert/strict";
import { test } from "node:test";
import { app, call, dumpText, type Goroutine } from "@plumbline/diagnosis/testing/dump-text";
import { decodeCapture } from "@plumbline/signals/decode";
import { capture, part } from "./testing/captures.ts";
import { type CrowdNode, crowdView } from "./view-crowd.ts";

function goroutines(count: number, ...calls: Goroutine["calls"]): Goroutine[] {
	return Array.from({ length: count }, (_, i) => ({
		goid: 100 + i,
		state: "select",
		calls,
		createdBy: app("main.main", 3),
		creator: 1,
	}));
}

function crowdOf(all: readonly Goroutine[]) {
	return crowdView(
		decodeCapture(capture([part("goroutines.0.debug2.txt", "go-debug2", 0, 0, dumpText(all))])),
	);
}

test("calls that all go through are one box, named by the service's own code", () => {
	const crowd = crowdOf([
		...goroutines(
			13,
			call("database/sql.(*DB).conn"),
			call("database/sql.(*DB).Query"),
			app("main.list", 9),
			app("main.serve", 5),
		),
		...goroutines(7, call("net/http.(*persistConn).readLoop")),
		...goroutines(4, call("net.(*conn).Read"), app("main.serve", 5)),
	]);
	assert.equal(crowd?.total, 24);
	const drawn = ({ calls, own, count, children }: CrowdNode): unknown => [
		calls,
		own,
		count,
		children.map(drawn),
	];
	assert.deepEqual(crowd?.calls.map(drawn), [
		[
			["main.serve"],
			"main.serve",
			17,
			[
				[["main.list", "database/sql.(*DB).Query", "database/sql.(*DB).conn"], "main.list", 13, []],
				[["net.(*conn).Read"], undefined, 4, []],
			],
		],
		[["net/http.(*persistConn).readLoop"], undefined, 7, []],
	]);
});

test("no goroutine is lost where calls are too thin to be drawn", () => {
	const crowd = crowdOf([
		...goroutines(5_003, app("main.busy", 5)),
		...Array.from({ length: 2_000 }, (_, i) => goroutines(1, app(`main.rare${i}`, 5))).flat(),
	]);
	assert.ok(crowd);
	assert.equal(
		crowd.calls.reduce((sum, { count }) => sum + count, crowd.rest),
		7_003,
	);
	assert.ok(crowd.calls.length < 700);
	assert.ok(crowd.clusters.length <= 16);
});

test("without goroutines there is no crowd", () => {
	assert.equal(crowdView(decodeCapture(capture([]))), undefined);
});
