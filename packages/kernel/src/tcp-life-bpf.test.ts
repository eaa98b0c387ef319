/** BPF on the running kernel: what it leaves out, what it loses, what it takes, and that nothing stays. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readKernelTypes } from "./bpf-btf.ts";
import { type Bpf, BpfAttribute } from "./bpf-system-call.ts";
import { openBpfSource } from "./tcp-life-bpf.ts";
import type { StateChange, StateChangeSource } from "./tcp-life-events.ts";
import { typedLayout, UNTYPED_LAYOUT } from "./tcp-life-program.ts";
import { expectRead, liveBpf, tellHowManyRan } from "./testing/bpf-live.ts";
import { CALLS, CHANGES, loopConnections } from "./testing/connection-loop.ts";
import { scene } from "./testing/tcp-life-scene.ts";

const TRACER = fileURLToPath(new URL("./testing/tcp-tracer.ts", import.meta.url));

/** Undefined after it has skipped the test. */
async function liveTypes(t: TestContext): Promise<Bpf | undefined> {
	const types = readKernelTypes();
	if (types.kind === "refused") t.skip(`not possible here: ${types.why}`);
	else if (process.geteuid?.() !== 0) t.skip("not possible here: not root");
	else if (spawnSync("unshare", ["--net", "true"]).status !== 0) t.skip("not possible here: no namespaces");
	else return liveBpf(t);
	return undefined;
}

function drain(source: StateChangeSource): {
	readonly changes: readonly StateChange[];
	readonly lost: number;
} {
	const changes: StateChange[] = [];
	const lost = source.drain(process.hrtime.bigint(), (change) => changes.push(change));
	return { changes, lost };
}

for (const isContained of [false, true]) {
	const where = isContained ? "own network and pid namespaces" : "its own network namespace";
	test(`a process in ${where}: all of its changes and no others'`, async (t) => {
		if ((await liveTypes(t)) === undefined) return;
		const loop = await loopConnections({ isContained });
		const source = expectRead(await openBpfSource(loop.pid, "typed"));
		await scene(async ({ child }) => {
			await Promise.all([loop.turn(137), child.tell("churn 149")]);
		});
		const { changes, lost } = drain(source);
		const told = changes.length;
		assert.deepEqual({ told, lost }, { told: 137 * CHANGES, lost: 0 });
		assert.equal(changes.filter(({ isByUs }) => isByUs).length, 137 * CALLS);
		source.close();
		assert.deepEqual(drain(source), { changes: [], lost: 0 }, "a closed one gives nothing");
		await loop.end();
	});
}

test("a full buffer: what was told and what was lost are all there was, and it goes on", async (t) => {
	if ((await liveTypes(t)) === undefined) return;
	const loop = await loopConnections({ isContained: false });
	const source = expectRead(await openBpfSource(loop.pid, "typed", 4096));
	await loop.turn(101);
	const first = drain(source);
	assert.ok(first.lost > 0, "something was lost");
	assert.equal(first.changes.length + first.lost, 101 * CHANGES);
	await loop.turn(3);
	const second = drain(source);
	assert.deepEqual([second.changes.length, second.lost], [3 * CHANGES, 0]);
	source.close();
	await loop.end();
});

test("the places assumed without types are those of this kernel", (t) => {
	const types = readKernelTypes();
	if (types.kind === "refused") return t.skip(`not possible here: ${types.why}`);
	const { typed, ...places } = expectRead(typedLayout(types.value));
	assert.deepEqual(places, UNTYPED_LAYOUT);
	assert.ok(typed !== undefined);
});

/** bpf(2): a descriptor for what has this id; by the name of the id in /proc/PID/fdinfo. */
const DESCRIPTOR_OF = { prog_id: 13, map_id: 14, link_id: 30 } as const;

test("killed, it leaves nothing in the kernel", async (t) => {
	const bpf = await liveTypes(t);
	if (bpf === undefined) return;
	const child = spawn(process.execPath, [TRACER], { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const [said] = await Promise.race([once(child.stdout, "data"), exited]);
	assert.equal(String(said), "tracing\n");
	const infos = readdirSync(`/proc/${child.pid}/fdinfo`).map((fd) =>
		readFileSync(`/proc/${child.pid}/fdinfo/${fd}`, "utf8"),
	);
	const made = infos.flatMap((info) =>
		Object.entries(DESCRIPTOR_OF).flatMap(([name, command]) => {
			const id = new RegExp(`^${name}:\\t(\\d+)$`, "m").exec(info)?.[1];
			return id === undefined ? [] : [{ name, command, id: Number(id) }];
		}),
	);
	const isThere = ({ command, id }: { readonly command: number; readonly id: number }) => {
		const answer = bpf.call(command, new BpfAttribute(bpf.libc).u32(0, id));
		if (answer.kind === "done") bpf.libc.close(answer.value);
		return answer.kind === "done";
	};
	assert.deepEqual(new Set(made.map(({ name }) => name)), new Set(Object.keys(DESCRIPTOR_OF)));
	assert.ok(made.every(isThere));
	child.kill("SIGKILL");
	await exited;
	// The kernel frees them a moment later. A test that hangs here has found a leak.
	while (made.some(isThere)) await new Promise((resolve) => setImmediate(resolve));
});

for (const [rights, said] of [
	[["--inh-caps=+bpf,+perfmon", "--ambient-caps=+bpf,+perfmon"], /^tracing\n$/],
	[["--inh-caps=+bpf", "--ambient-caps=+bpf"], /missing: CAP_PERFMON \(/],
	[["--inh-caps=-all"], /missing: CAP_BPF and CAP_PERFMON \(/],
] as const) {
	test(`an ordinary user with ${rights[0]}: ${said.source}`, async (t) => {
		if ((await liveTypes(t)) === undefined) return;
		const nobody = ["--reuid=65534", "--clear-groups", ...rights, process.execPath, TRACER];
		const child = spawn("setpriv", nobody, { stdio: ["pipe", "pipe", "inherit"] });
		const exited = once(child, "exit");
		const [line] = await Promise.race([once(child.stdout, "data"), exited]);
		child.kill();
		await exited;
		assert.match(String(line), said);
	});
}

tellHowManyRan();
