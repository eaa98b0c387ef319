import assert from "node:assert/strict";
import { test } from "node:test";
import { dbSocket, idleInTx } from "./testing/lines.ts";
import type { Service } from "./testing/service.ts";
import { found, times } from "./testing/verdict.ts";

/** Seven sessions of the service idle in a transaction all along: 141000 to 141006. */
function leaking(engine: "postgres" | "mysql"): Service {
	return {
		engine,
		sessions: [20_000, 30_000].map((ms) => times(7, (i) => idleInTx(41_000 + i, ms))),
		sockets: [20_000, 30_000].map((ms) => times(7, (i) => dbSocket(41_000 + i, ms))),
	};
}

test("PostgreSQL: one command ends just these sessions, if they still idle", () => {
	const [command] = found(leaking("postgres"), "tx-open")?.stop ?? [];
	const list = (from: number) =>
		times(7, (i) => [from + i])
			.flat()
			.join(", ");
	assert.ok(
		command?.includes(`pid in (${list(141_000)}) and client_port in (${list(41_000)}) and state like`),
	);
});

test("MariaDB: no command of PostgreSQL is offered", () => {
	const stop = found(leaking("mysql"), "tx-open")?.stop ?? [];
	assert.match(stop[0] ?? "", /KILL 141000; KILL 141001;/);
	assert.doesNotMatch(stop.join("\n"), /pg_|alter role/);
});
