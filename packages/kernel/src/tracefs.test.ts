/** A private trace buffer of the running kernel: our own sockets that begin to listen. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { expectRead } from "./testing/bpf-live.ts";
import { openTracefs, type Tracefs } from "./tracefs.ts";
import { openTraceInstance, type TraceInstance } from "./tracefs-instance.ts";

const EVENT = "sock/inet_sock_set_state";
const OURS = `newstate == 10 && common_pid == ${process.pid}`;
const PAGES_MAX = 10_000;

/** By our own mount, which works whether or not the machine has one. */
async function withTracefs(t: TestContext, run: (tracefs: Tracefs) => Promise<void>): Promise<void> {
	const tracefs = await openTracefs([]);
	if (tracefs.kind === "refused") return t.skip(`not possible here: ${tracefs.why}`);
	try {
		await run(tracefs.value);
	} finally {
		tracefs.value.close();
	}
}

async function withInstance(
	t: TestContext,
	bufferKb: number,
	run: (instance: TraceInstance) => Promise<void>,
): Promise<void> {
	await withTracefs(t, async (tracefs) => {
		const instance = expectRead(openTraceInstance(tracefs, bufferKb));
		try {
			await run(instance);
		} finally {
			instance.close();
		}
		const left = readdirSync(`${tracefs.folder}/instances`).filter((name) =>
			name.includes(`-${process.pid}-`),
		);
		assert.deepEqual(left, [], "nothing stays");
	});
}

/** The port it had. */
async function listenOnce(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	server.close();
	await once(server, "close");
	return address.port;
}

test("each event arrives once with its fields and the time of our own clock", async (t) => {
	await withInstance(t, 64, async (instance) => {
		const format = expectRead(instance.enable(EVENT, OURS));
		const field = (name: string) => format.fields.get(name)?.offset ?? assert.fail(name);
		const begin = process.hrtime.bigint();
		const ports: number[] = [];
		for (let n = 0; n < 17; n++) ports.push(await listenOnce());
		const end = process.hrtime.bigint();
		const seen: number[] = [];
		const drained = expectRead(
			instance.drain(PAGES_MAX, (record, timeNs) => {
				assert.equal(record.readUInt16LE(0), format.id);
				assert.equal(record.readInt32LE(field("oldstate")), 7);
				assert.equal(record.readInt32LE(field("newstate")), 10);
				assert.equal(record.readUInt32BE(field("saddr")), 0x7f000001);
				assert.ok(timeNs >= begin && timeNs <= end, `${begin} ${timeNs} ${end}`);
				seen.push(record.readUInt16LE(field("sport")));
			}),
		);
		assert.deepEqual(drained, { records: 17, lost: 0n, isPartial: false, isCut: false });
		assert.deepEqual(seen.toSorted(), ports.toSorted());
		const again = expectRead(instance.drain(PAGES_MAX, () => assert.fail("read twice")));
		assert.equal(again.records, 0);
	});
});

test("a full buffer loses events and says how many; a bounded drain says that there is more", async (t) => {
	await withInstance(t, 8, async (instance) => {
		expectRead(instance.enable(EVENT, OURS));
		const listens = 701;
		for (let n = 0; n < listens; n++) await listenOnce();
		const first = expectRead(instance.drain(1, () => {}));
		assert.equal(first.isCut, true);
		const rest = expectRead(instance.drain(PAGES_MAX, () => {}));
		assert.equal(rest.isCut, false);
		assert.ok(first.lost + rest.lost > 0n, "something was lost");
		assert.equal(BigInt(first.records + rest.records) + first.lost + rest.lost, BigInt(listens));
	});
});

test("what cannot be switched on is refused in words", async (t) => {
	await withInstance(t, 8, async (instance) => {
		assert.deepEqual(instance.enable("sock/no_such_thing"), {
			kind: "refused",
			code: "unsupported",
			why: "this kernel has no tracepoint sock/no_such_thing",
		});
		const filtered = instance.enable(EVENT, "protocol == ((6");
		assert.match(
			filtered.kind === "refused" ? filtered.why : "",
			/^tracing does not take the filter "protocol == \(\(6"/,
		);
	});
});

test("two instances at once, apart from each other", async (t) => {
	await withTracefs(t, async (tracefs) => {
		const [one, other] = [openTraceInstance(tracefs, 8), openTraceInstance(tracefs, 8)].map(expectRead);
		assert.ok(one && other);
		expectRead(one.enable(EVENT, OURS));
		await listenOnce();
		assert.equal(expectRead(other.drain(PAGES_MAX, () => {})).records, 0);
		assert.equal(expectRead(one.drain(PAGES_MAX, () => {})).records, 1);
		one.close();
		other.close();
	});
});

const LEAVE_ONE = `
	const { openTracefs } = await import("./tracefs.ts");
	const { openTraceInstance } = await import("./tracefs-instance.ts");
	const tracefs = (await openTracefs([])).value;
	openTraceInstance(tracefs, 8).value.enable("${EVENT}");
	process.stdout.write("made");
	process.stdin.resume();
`;

test("what a killed process left is removed by the next one, what a living one has is not", async (t) => {
	await withTracefs(t, async (tracefs) => {
		const child = spawn(process.execPath, ["--input-type=module", "-e", LEAVE_ONE], {
			cwd: import.meta.dirname,
			stdio: ["pipe", "pipe", "inherit"],
		});
		const exited = once(child, "exit");
		await Promise.race([once(child.stdout, "data"), exited]);
		const its = () =>
			readdirSync(`${tracefs.folder}/instances`).filter((name) => name.includes(`-${child.pid}-`)).length;
		assert.equal(its(), 1);
		expectRead(openTraceInstance(tracefs, 8)).close();
		assert.equal(its(), 1, "its process lives");
		child.kill("SIGKILL");
		await exited;
		expectRead(openTraceInstance(tracefs, 8)).close();
		assert.equal(its(), 0);
	});
});

test("our mount is in no folder and goes when it is closed", async (t) => {
	await withTracefs(t, async (tracefs) => {
		assert.ok(existsSync(`${tracefs.folder}/events`));
		const again = expectRead(await openTracefs([tracefs.folder]));
		assert.equal(again.folder, tracefs.folder, "a place that has it is taken");
		again.close();
		assert.ok(existsSync(`${tracefs.folder}/events`), "and left to its owner");
		tracefs.close();
		assert.equal(existsSync(`${tracefs.folder}/events`), false);
	});
});
