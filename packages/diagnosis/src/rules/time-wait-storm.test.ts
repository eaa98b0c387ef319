import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../diagnose.ts";
import { pool } from "../testing/lines.ts";
import { type Service, signalsOf } from "../testing/service.ts";
import { churning, tcpLife } from "../testing/tcp-life.ts";
import { alarms, found, gist } from "../testing/verdict.ts";

const HTTP = { ip: "10.0.0.9", port: 8_080 };

/** The verdict where the process's facts were read too. */
function withReuse(service: Service, tcpTwReuse: number) {
	const signals = signalsOf(service);
	const { part } = signals.tcpLife[0] ?? assert.fail();
	const facts = { part, value: { pid: 4711, tcpTwReuse } };
	return diagnose({ ...signals, process: [facts] }).findings.find((f) => f.id === "time-wait-storm");
}

test("half of the port range in TIME_WAIT, and more every second: a warning", () => {
	const service = { tcpLife: tcpLife([churning(251, 3, HTTP)]) };
	assert.deepEqual(gist(service, "time-wait-storm"), {
		count: 15_060,
		level: "suspected",
		severity: "warning",
		holder: undefined,
		causes: [],
	});
	assert.deepEqual(alarms(service), ["time-wait-storm"]);
	assert.match(found(service, "time-wait-storm")?.title ?? "", /take 53 % of the local ports/);
	assert.match(found(service, "time-wait-storm")?.story ?? "", /251 more a second.*settles at about 53 %/);
});

test("towards the database it is the consequence of churn", () => {
	const service = { tcpLife: tcpLife([churning(251, 3)]) };
	assert.deepEqual(gist(service, "time-wait-storm")?.causes, ["pool-churn"]);
	assert.deepEqual(alarms(service), ["pool-churn", "time-wait-storm"]);
});

test("at four fifths it is critical; when the ports run out is told", () => {
	const growing = churning(500, 2, {
		...HTTP,
		timeWait: { first: 19_000, last: 24_000, fresh: 5_000, freshLooks: 10 },
		portsUsed: { first: 19_002, last: 24_002 },
	});
	const service = { tcpLife: tcpLife([growing]) };
	assert.equal(gist(service, "time-wait-storm")?.severity, "critical");
	assert.match(found(service, "time-wait-storm")?.story ?? "", /the last of 28232 ports is taken in 8\.5 s/);
});

test("where the kernel lets ports be taken over, it is only noted", () => {
	const far = { tcpLife: tcpLife([churning(400, 3, HTTP)]) };
	const near = { tcpLife: tcpLife([churning(400, 3, { ip: "127.0.0.1", port: 8_080 })]) };
	const severities = [far, near].flatMap((service) =>
		[0, 1, 2].map((mode) => withReuse(service, mode)?.severity),
	);
	assert.deepEqual(severities, ["critical", "note", "critical", "critical", "note", "note"]);
});

test("whose they are is not known: a note that says so", () => {
	const shared = churning(400, 3, { ...HTTP, opens: 9, closedByUs: 9, unattributed: 3_991, foreign: 2 });
	const finding = found({ tcpLife: tcpLife([shared]) }, "time-wait-storm");
	assert.deepEqual([finding?.severity, finding?.confidence, finding?.causes], ["note", 0.5, []]);
	assert.match(finding?.story ?? "", /3991 could not be told from another program's: --trace/);
});

test("a sidecar of the pod makes nearly all of them: noted, and where to look", () => {
	// As traced: each close is known to be ours or not.
	const sidecar = churning(400, 3, { ...HTTP, opens: 200, closedByUs: 200, foreign: 9 });
	const service = { tcpLife: tcpLife([sidecar], { route: "trace" }) };
	assert.deepEqual(alarms(service), []);
	assert.equal(gist(service, "time-wait-storm")?.severity, "note");
	assert.match(
		found(service, "time-wait-storm")?.story ?? "",
		/of 4000 new ones this service closed 200: look for another program/,
	);
	const half = churning(400, 3, { ...HTTP, opens: 2_000, closedByUs: 2_000, foreign: 9 });
	assert.deepEqual(alarms({ tcpLife: tcpLife([half], { route: "trace" }) }), ["time-wait-storm"]);
});

test("the pool's own count tells that they are this service's, whatever the sockets could attribute", () => {
	const shared = churning(400, 3, { opens: 9, closedByUs: 9, unattributed: 3_991, foreign: 2 });
	const pools = [0, 4_000].map((maxIdleClosed) => [pool({ inUse: 3, maxIdleClosed })]);
	const finding = found({ tcpLife: tcpLife([shared]), pools }, "time-wait-storm");
	assert.deepEqual([finding?.severity, finding?.level], ["critical", "confirmed"]);
	assert.equal(gist({ tcpLife: tcpLife([shared]) }, "time-wait-storm")?.severity, "note");
});

test("silent: hundreds of TIME_WAIT, a storm that is over, another program's, a range full of live connections", () => {
	const busy = churning(10, 20, HTTP);
	const over = churning(400, 0, {
		...HTTP,
		timeWait: { first: 24_000, last: 20_000, fresh: 0, freshLooks: 0 },
	});
	const others = churning(400, 9, { ...HTTP, opens: 0, closedByUs: 0, unattributed: 4_000 });
	const live = churning(40, 20_000, HTTP);
	for (const one of [busy, over, others, live]) {
		assert.equal(found({ tcpLife: tcpLife([one]) }, "time-wait-storm"), undefined);
	}
});

test("without the life of connections, or without the port range, nothing is told", () => {
	assert.deepEqual(alarms({}), []);
	const { ephemeralPorts: _, ...unknown } = tcpLife([churning(400, 3, HTTP)]);
	assert.equal(found({ tcpLife: unknown }, "time-wait-storm"), undefined);
});
