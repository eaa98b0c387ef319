import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCapture } from "@plumbline/signals/decode";
import { capture, part } from "./testing/captures.ts";
import { poolCharts } from "./view-pools.ts";

function page(inUse: number, idle: number): string {
	return `go_sql_max_open_connections{db_name="orders"} 7
go_sql_in_use_connections{db_name="orders"} ${inUse}
go_sql_idle_connections{db_name="orders"} ${idle}
`;
}

function profile(waiting: number): string {
	return `goroutine profile: total ${waiting + 1}
${waiting} @ 0x1 0x2
#	0x1	database/sql.(*DB).conn+0x1	/usr/local/go/src/database/sql/sql.go:1369
#	0x2	main.serve+0x1	/srv/main.go:9

1 @ 0x3
#	0x3	main.main+0x1	/srv/main.go:7

`;
}

test("the pool against its limit, and who waits, at each reading", () => {
	const parts = [0, 1, 2].flatMap((i) => [
		part(`metrics.${i}.txt`, "prometheus", i, i * 4_000, page(3 + 2 * i, 4 - 2 * i)),
		part(`goroutines.${i}.debug1.txt`, "go-debug1", i, i * 4_000, profile(i * 5)),
	]);
	const { charts } = poolCharts(decodeCapture(capture(parts)));
	assert.deepEqual(
		charts.map(({ title, timesMs, series, limit }) => ({
			title,
			timesMs,
			series: series.map((s) => s.values),
			limit,
		})),
		[
			{
				title: "Connections of pool orders",
				timesMs: [4, 4_004, 8_004],
				series: [
					[3, 5, 7],
					[4, 2, 0],
				],
				limit: { what: "limit", value: 7 },
			},
			{
				title: "Callers that wait for a connection",
				timesMs: [4, 4_004, 8_004],
				series: [[0, 5, 10]],
				limit: undefined,
			},
		],
	);
});

test("a thousand readings are thinned, and of a hundred pools some are drawn: both are told", () => {
	const many = Array.from({ length: 100 }, (_, i) => page(1, 1).replaceAll("orders", `pool${i}`)).join("");
	const parts = Array.from({ length: 300 }, (_, i) =>
		part(`metrics.${i}.txt`, "prometheus", i, i * 30, many),
	);
	const { charts, poolsLeftOut } = poolCharts(decodeCapture(capture(parts)));
	assert.equal(charts.length + poolsLeftOut, 100);
	for (const { timesMs, leftOut } of charts) assert.equal(timesMs.length + leftOut, 300);
});

test("no reading, no chart", () => {
	assert.deepEqual(poolCharts(decodeCapture(capture([]))), { charts: [], poolsLeftOut: 0 });
});
