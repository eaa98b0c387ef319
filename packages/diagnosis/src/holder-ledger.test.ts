/** Who is named when the borrow ledger saw connections kept, and what is said when it did not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { app } from "./testing/dump-text.ts";
import {
	handler,
	opener,
	requestContext,
	requestReader,
	waitsElsewhere,
	waitsForPool,
	worker,
} from "./testing/goroutines.ts";
import { type Borrowing, ledger, type Out, SERVED } from "./testing/ledger.ts";
import { dbSocket, idleFor, idleInTx, pool, running } from "./testing/lines.ts";
import type { Service } from "./testing/service.ts";
import { leakedTransactions, PLACE_ORDER } from "./testing/stories.ts";
import { found, times } from "./testing/verdict.ts";

const REFUND = app("main.(*Orders).Refund", 91);
const REFUND_LATER = app("main.(*Orders).Refund", 120);
const MOVE = app("main.(*Stock).Move", 77);
/** Their goroutines are in no dump. */
const gone = (n: number, from = 9_000): Out[] =>
	times(n, (i) => ({ goid: from + i, ageMs: 8_200 - i * 100 }));

function begins(code: Borrowing["code"][number], out: number, released = 0, from = 9_000): Borrowing {
	return { asked: "begin", code: [code, ...SERVED], released, out: gone(out, from) };
}

/** Seven leaked transactions; a live sibling begins one at PLACE_ORDER. */
function named(...borrowings: readonly Borrowing[]) {
	const finding = found({ ...leakedTransactions(7), ledger: ledger(borrowings) }, "tx-open");
	assert.ok(finding !== undefined);
	const brief = ({ func, line, confidence }: { func: string; line: number; confidence: number }) =>
		`${func}:${line} ${confidence.toFixed(2)}`;
	return {
		finding,
		holder: finding.holder && brief(finding.holder),
		candidates: finding.candidates.map(brief),
		gap: finding.holderGap,
	};
}

test("the one place that keeps them is named, against the sibling that was seen", () => {
	const { finding, holder, candidates, gap } = named(begins(REFUND, 7, 40), begins(PLACE_ORDER, 0, 900));
	assert.deepEqual([holder, candidates, gap], ["main.(*Orders).Refund:91 0.90", [], undefined]);
	assert.equal(
		finding.holder?.how,
		"the borrow ledger saw it take 47 transactions in 10.0 s and keep 7 of them; 40 came back",
	);
	const evidence = finding.evidence.find(({ part }) => part === "ledger.0");
	assert.equal(evidence?.line, "runtime");
	assert.equal(evidence?.says, "7 borrows from this line were not returned, by the borrow ledger");
	assert.equal(
		evidence?.quote,
		"database/sql: acquired 47, released 40, kept 7, oldest 8.2 s, goroutine 9000 9001 9002 9003 9004\n" +
			"main.(*Orders).Refund\n\t/srv/app/orders.go:91",
	);
	assert.equal(evidence?.offset, 400, "of the stack's row");
});

test("nothing of it came back: said so", () => {
	const { finding } = named(begins(REFUND, 1));
	assert.equal(
		finding.holder?.how,
		"the borrow ledger saw it take 1 transaction in 10.0 s and keep 1 of them; none came back",
	);
	const evidence = finding.evidence.find(({ part }) => part === "ledger.0");
	assert.equal(evidence?.says, "1 borrow from this line was not returned, by the borrow ledger");
});

test("several lines of one function: the one with the most is named, the others are candidates", () => {
	const { holder, candidates } = named(begins(REFUND, 3), begins(REFUND_LATER, 4, 0, 9_100));
	assert.equal(holder, "main.(*Orders).Refund:120 0.90");
	assert.deepEqual(candidates, ["main.(*Orders).Refund:91 0.39"]);
});

test("several functions: named from two thirds on, below that all are candidates", () => {
	const sure = named(begins(REFUND, 6), begins(MOVE, 3, 0, 9_100));
	assert.equal(sure.holder, "main.(*Orders).Refund:91 0.90");
	assert.deepEqual(sure.candidates, ["main.(*Stock).Move:77 0.30"]);
	const unsure = named(begins(REFUND, 5), begins(MOVE, 3, 0, 9_100));
	assert.equal(unsure.holder, undefined);
	assert.deepEqual(unsure.candidates, ["main.(*Orders).Refund:91 0.56", "main.(*Stock).Move:77 0.34"]);
	assert.equal(unsure.gap, "the borrow ledger saw several places keep connections");
});

test("many places: no more candidates than a person reads", () => {
	const places = times(9, (i) => begins(app(`main.leak${i}`, 10 + i), 2, 0, 9_000 + i * 10));
	assert.equal(named(...places).candidates.length, 5);
});

test("returned to a caller that still runs: named, but less sure; whoever ended outweighs it", () => {
	const service = leakedTransactions(7);
	const still = [handler(400, waitsElsewhere, app("main.checkout", 70)), requestReader(401, 400)];
	const dumps = service.dumps?.map((dump) => [...dump, ...still]) ?? [];
	const opened: Borrowing = {
		asked: "begin",
		code: [MOVE, app("main.checkout", 70), ...SERVED],
		out: [{ goid: 400, ageMs: 5_000 }],
	};
	const holderOf = (...borrowings: readonly Borrowing[]) =>
		found({ ...service, dumps, ledger: ledger(borrowings) }, "tx-open")?.holder;
	assert.deepEqual([holderOf(opened)?.func, holderOf(opened)?.confidence], ["main.(*Stock).Move", 0.85]);
	assert.equal(holderOf(opened, begins(REFUND, 1))?.func, "main.(*Orders).Refund");
});

test("somebody works on that very connection: it was handed on, not kept", () => {
	const service = leakedTransactions(7);
	const ports = [42_000, 42_001];
	const busy: Borrowing = {
		asked: "begin",
		code: [MOVE],
		out: ports.map((port, i) => ({ goid: 9_500 + i, ageMs: 5_000, port })),
	};
	const sessions =
		service.sessions?.map((some) => [...some, ...ports.map((port) => running(port, 300))]) ?? [];
	const sockets = service.sockets?.map((some) => [...some, ...ports.map((port) => dbSocket(port, 2))]) ?? [];
	const finding = found(
		{ ...service, sessions, sockets, ledger: ledger([busy, begins(REFUND, 1)]) },
		"tx-open",
	);
	assert.equal(finding?.holder?.func, "main.(*Orders).Refund");
	assert.deepEqual(finding?.candidates, []);
});

test("the session of what is kept is quoted, where its socket is known", () => {
	const out = [{ goid: 9_000, ageMs: 8_000, port: 40_003 }];
	const { finding } = named({ asked: "begin", code: [REFUND], out });
	const evidence = finding.evidence.find(({ part }) => part === "ledger.0");
	assert.match(evidence?.quote ?? "", /session 140003 10\.0\.0\.7:40003 app orders idle in transaction/);
});

test("without a socket, the session that began when the connection was taken; two such are nobody's", () => {
	const service = leakedTransactions(7);
	const quoted = (ageMs: number, times_: number) => {
		const began = times(times_, (i) => idleInTx(43_000 + i, 8_000, { xactAgeMs: 8_100 + i }));
		const sessions = service.sessions?.map((some, i) => (i === 0 ? some : [...some, ...began]));
		const kept = { asked: "begin" as const, code: [REFUND], out: [{ goid: 9_000, ageMs }] };
		const ends = service.sockets?.map((some) => [
			...some,
			...times(times_, (i) => dbSocket(43_000 + i, 8_000)),
		]);
		const all = { ...service, sessions: sessions ?? [], sockets: ends ?? [], ledger: ledger([kept]) };
		const evidence = found(all, "tx-open")?.evidence.find(({ part }) => part === "ledger.0");
		return /session (\d+)/.exec(evidence?.quote ?? "")?.[1];
	};
	assert.equal(quoted(8_150, 1), "143000");
	assert.equal(quoted(8_150, 2), undefined);
	assert.equal(quoted(5_000, 1), undefined);
});

test("what else is kept names no transaction: cursors, rows, whole and HTTP connections", () => {
	for (const asked of ["query", "row", "conn", "http"] as const) {
		const { holder } = named({ asked, code: [REFUND, ...SERVED], out: gone(7) });
		assert.equal(holder?.split(" ")[0], "main.(*Orders).Place:42", asked);
	}
});

test("nothing kept, or an unsound count: what the siblings say", () => {
	assert.match(named(begins(REFUND, 0, 50)).gap ?? "", /more than one code path/);
	const doubtful = ledger([begins(REFUND, 7)], { "database/sql": { replaced: 1 } });
	const finding = found({ ...leakedTransactions(7), ledger: doubtful }, "tx-open");
	assert.notEqual(finding?.holder?.func, "main.(*Orders).Refund");
});

test("the ledger's borrows are siblings: who was never caught in the act is known all the same", () => {
	const { dumps: _, ...service } = leakedTransactions(7);
	const dumps = [0, 1].map(() => [opener(5)]);
	const without = found({ ...service, dumps }, "tx-open");
	assert.equal(without?.holder, undefined);
	assert.match(without?.holderGap ?? "", /the borrow ledger would name it.*run as root with --pid/);
	const withLedger = found({ ...service, dumps, ledger: ledger([begins(PLACE_ORDER, 0, 812)]) }, "tx-open");
	assert.equal(withLedger?.holder?.func, "main.(*Orders).Place");
	const sibling = withLedger?.evidence.find(({ part }) => part === "ledger.0");
	assert.equal(sibling?.says, "812 live sightings of this code path with a connection");
	const none = found({ ...service, dumps, ledger: ledger([]) }, "tx-open");
	assert.match(none?.holderGap ?? "", /saw no such borrow kept since it was attached: watch longer/);
});

test("rows-open: the cursor that is kept names its line, the live one does not", () => {
	const sessions = [60_000, 70_000].map((ms) =>
		times(3, (i) => running(40_000 + i, ms, { wait: "Client/ClientWrite" })),
	);
	const sockets = [60_000, 70_000].map((ms) => times(3, (i) => dbSocket(40_000 + i, ms, { recvQ: 90_000 })));
	const browse = [worker(97, waitsForPool("query"), app("main.browse", 55))];
	const service: Service = { dumps: [[opener(5), ...browse], [opener(5)]], sessions, sockets };
	const kept: Borrowing = { asked: "query", code: [app("main.search", 33)], released: 20, out: gone(3) };
	const finding = found({ ...service, ledger: ledger([kept]) }, "rows-open");
	assert.equal(finding?.holder?.func, "main.search");
	assert.match(finding?.holder?.how ?? "", /take 23 cursors \(Query\) in 10\.0 s and keep 3 of them/);
});

test("conn-held: each silent way to take a connection is named when it is kept", () => {
	const quiet = times(7, (i) => 40_000 + i);
	const claiming = [
		handler(90, waitsForPool("conn", requestContext(1)), app("main.(*Shifts).Claim", 36)),
		requestReader(91, 90),
	];
	const service: Service = {
		dumps: [[opener(5), ...claiming], [opener(5)]],
		sessions: [60_000, 70_000].map((ms) => quiet.map((port) => idleFor(port, ms))),
		sockets: [60_000, 70_000].map((ms) => quiet.map((port) => dbSocket(port, ms))),
		pools: [0, 1].map(() => [pool({ maxOpen: 50, open: 7, inUse: 7, idle: 0 })]),
	};
	assert.equal(found(service, "conn-held")?.holder?.func, "main.(*Shifts).Claim");
	for (const asked of ["conn", "row", "query", "acquire"] as const) {
		const kept: Borrowing = { asked, code: [MOVE, ...SERVED], released: 3, out: gone(7) };
		const finding = found({ ...service, ledger: ledger([kept]) }, "conn-held");
		assert.equal(finding?.holder?.func, "main.(*Stock).Move", asked);
		assert.equal(finding?.holder?.confidence, 0.9);
	}
	const transaction = found({ ...service, ledger: ledger([begins(REFUND, 7)]) }, "conn-held");
	assert.notEqual(transaction?.holder?.func, "main.(*Orders).Refund", "a transaction has its own finding");
});

test("a ledger alone accuses nobody", () => {
	const places = (["begin", "query", "row", "conn", "acquire"] as const).map((asked, i): Borrowing => {
		return { asked, code: [app(`main.leak${i}`, 5)], out: gone(9, 9_000 + i * 10) };
	});
	const idle = [0, 1].map((i) => times(9, (k) => idleInTx(50_000 + k, 4, { xactAgeMs: 5 + i })));
	for (const id of ["tx-open", "rows-open", "conn-held", "http-body-open"] as const) {
		assert.equal(found({ ledger: ledger(places), dumps: [[opener(5)]] }, id), undefined, id);
		assert.equal(found({ ledger: ledger(places), sessions: idle }, id), undefined, id);
	}
});

test("kept connections that end in the leaked ones' statement are surely theirs; in another one they are not", () => {
	const service = leakedTransactions(7);
	const last = service.sessions?.[0]?.[0]?.statement ?? "";
	const holderFor = (statement: string) => {
		const sessions = service.sessions?.map((some, i) => [
			...some,
			...(i === 0 ? [] : [idleInTx(43_000, 5_000, { statement })]),
		]);
		const sockets = service.sockets?.map((some) => [...some, dbSocket(43_000, 5_000)]);
		const kept: Borrowing = {
			asked: "begin",
			code: [REFUND, ...SERVED],
			out: [{ goid: 9_000, ageMs: 5_000, port: 43_000 }],
		};
		const all = { ...service, sessions: sessions ?? [], sockets: sockets ?? [], ledger: ledger([kept]) };
		const holder = found(all, "tx-open")?.holder;
		return [holder?.func, holder?.confidence];
	};
	assert.deepEqual(holderFor(last), ["main.(*Orders).Refund", 0.97]);
	assert.notEqual(holderFor("INSERT INTO audit (note) VALUES ($1)")[0], "main.(*Orders).Refund");
});

test("a pool of which returns were missed names nobody, and that is said", () => {
	const kept = begins(REFUND, 7);
	const finding = found(
		{ ...leakedTransactions(7), ledger: ledger([kept], { "database/sql": { replaced: 2 } }) },
		"tx-open",
	);
	assert.notEqual(finding?.holder?.func, "main.(*Orders).Refund");
});
