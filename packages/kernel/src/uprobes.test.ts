/** Both routes against a running Go program whose calls are known by number. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readSync } from "node:fs";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BpfAssembler } from "./bpf-assembler.ts";
import { type Bpf, kernelIsAtLeast } from "./bpf-system-call.ts";
import {
	counted,
	countIn,
	countingProgram,
	expectRead,
	liveBpf,
	makeCounters,
	tellHowManyRan,
} from "./testing/bpf-live.ts";
import { buildUprobeTarget, type UprobeTarget, type UprobeTargetBinary } from "./testing/uprobe-target.ts";
import type { UprobeRequest, UprobeRoute } from "./uprobe-request.ts";
import { attachUprobes } from "./uprobes.ts";

let binary: UprobeTargetBinary | undefined;
before(() => {
	binary = buildUprobeTarget();
});
after(() => binary?.remove());

interface Stage {
	readonly bpf: Bpf;
	readonly binary: UprobeTargetBinary;
	readonly target: UprobeTarget;
	/** A request for one place in `target`. */
	readonly request: (instructions: Uint8Array, name?: string) => UprobeRequest;
}

async function withTarget(
	t: TestContext,
	route: UprobeRoute,
	run: (stage: Stage) => Promise<void>,
): Promise<void> {
	if (binary === undefined) return t.skip("missing tool: go");
	if (route === "multi" && !kernelIsAtLeast(6, 10))
		return t.skip("not possible here: uprobe_multi as of 6.10");
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const target = await binary.start();
	const offsets = [binary.offsetOf("main.Counted")];
	const request = (instructions: Uint8Array, name = "test") => {
		return { path: `/proc/${target.pid}/exe`, pid: target.pid, offsets, instructions, name, route };
	};
	try {
		await run({ bpf, binary, target, request });
	} finally {
		assert.equal(await target.end(), 0, "the target ends well");
	}
}

for (const route of ["multi", "perf"] as const) {
	test(`${route}: every call of every thread is counted, none of another process, none after close`, async (t) => {
		await withTarget(t, route, async ({ bpf, binary, target, request }) => {
			const other = await binary.start();
			const counters = makeCounters(bpf);
			const attachment = expectRead(await attachUprobes(bpf, request(countingProgram(counters))));
			assert.equal(attachment.route, route);
			await target.call(10_007);
			await other.call(4_999);
			assert.equal(counted(counters), 10_007);
			await attachment.close();
			await target.call(101);
			assert.equal(counted(counters), 10_007);
			counters.close();
			assert.equal(await other.end(), 0);
		});
	});

	test(`${route}: several places, told apart by their cookies`, async (t) => {
		await withTarget(t, route, async ({ bpf, binary, target, request }) => {
			const counters = makeCounters(bpf);
			const assembler = new BpfAssembler().call("get_attach_cookie");
			countIn(assembler, counters, "r0");
			const offsets = [binary.offsetOf("main.Counted"), binary.offsetOf("main.Other")];
			const wanted = { ...request(assembler.exit().build()), offsets, cookies: [3n, 1n] };
			const attachment = expectRead(await attachUprobes(bpf, wanted));
			await target.call(1_009);
			assert.deepEqual(
				[0, 1, 2, 3].map((index) => counted(counters, index)),
				[0, 101, 0, 1_009],
			);
			await attachment.close();
			counters.close();
		});
	});

	test(`${route}: a killed tracer takes its breakpoint along and the target runs on`, async (t) => {
		await withTarget(t, route, async ({ binary, target }) => {
			const firstByte = () => byteAt(target.pid, binary.addressOf("main.Counted"));
			const original = firstByte();
			const attacher = fileURLToPath(new URL("./testing/uprobe-attacher.ts", import.meta.url));
			const args = [attacher, target.pid, route, binary.offsetOf("main.Counted")].map(String);
			const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
			const exited = once(child, "exit");
			const [said] = await Promise.race([once(child.stdout, "data"), exited]);
			assert.equal(String(said), "attached\n");
			await target.call(997);
			if (process.arch === "x64") assert.equal(firstByte(), 0xcc, "a breakpoint is there");
			child.kill("SIGKILL");
			await exited;
			assert.equal(firstByte(), original, "and gone with its owner");
			await target.call(997);
		});
	});

	test(`${route}: when the target is gone the count is still there`, async (t) => {
		await withTarget(t, route, async ({ bpf, target, request }) => {
			const counters = makeCounters(bpf);
			const attachment = expectRead(await attachUprobes(bpf, request(countingProgram(counters))));
			await target.call(13);
			assert.equal(await target.end(), 0);
			assert.equal(counted(counters), 13);
			await attachment.close();
			const late = await attachUprobes(bpf, {
				...request(countingProgram(counters)),
				path: process.execPath,
			});
			assert.ok(late.kind === "refused");
			assert.equal(late.code, "gone");
			counters.close();
		});
	});

	test(`${route}: with fewer rights it is denied, and the missing one is named`, async (t) => {
		await withTarget(t, route, async ({ binary, target }) => {
			const attacher = fileURLToPath(new URL("./testing/uprobe-attacher.ts", import.meta.url));
			const rights = ["--inh-caps=-all", "--bounding-set=-all,+bpf,+perfmon"];
			const args = [attacher, target.pid, route, binary.offsetOf("main.Counted")].map(String);
			const child = spawnSync("setpriv", [...rights, process.execPath, ...args], { encoding: "utf8" });
			const missing = route === "multi" ? "CAP_SYS_PTRACE" : "CAP_SYS_ADMIN and CAP_SYS_PTRACE";
			assert.match(child.stderr, new RegExp(`denied: attaching .* EACCES .13.; missing: ${missing} `));
		});
	});

	test(`${route}: what cannot be attached is refused in words`, async (t) => {
		await withTarget(t, route, async ({ bpf, request }) => {
			const counters = makeCounters(bpf);
			const good = request(countingProgram(counters), "good");
			const absent = await attachUprobes(bpf, { ...good, path: "/nowhere/at/all" });
			assert.ok(absent.kind === "refused");
			assert.equal(absent.code, "absent");
			assert.match(absent.why, /^attaching good at .* of \/nowhere\/at\/all: ENOENT/);
			const none = await attachUprobes(bpf, { ...good, offsets: [] });
			assert.deepEqual(none, { kind: "refused", code: "absent", why: "no place to probe for good" });
			const many = await attachUprobes(bpf, { ...good, offsets: new Array(5000).fill(1) });
			assert.match(many.kind === "refused" ? many.why : "", /^5000 places to probe, the bound is 4096$/);
			const wrong = await attachUprobes(bpf, { ...good, instructions: new BpfAssembler().exit().build() });
			assert.match(wrong.kind === "refused" ? wrong.why : "", /the verifier says: .*R0 !read_ok/);
			counters.close();
		});
	});
}

test("auto takes the link where the kernel has it", async (t) => {
	await withTarget(t, "perf", async ({ bpf, target, request }) => {
		const counters = makeCounters(bpf);
		const wanted = { ...request(countingProgram(counters)), route: "auto" as const };
		const attachment = expectRead(await attachUprobes(bpf, wanted));
		assert.equal(attachment.route, kernelIsAtLeast(6, 10) ? "multi" : "perf");
		await target.call(7);
		assert.equal(counted(counters), 7);
		await attachment.close();
		counters.close();
	});
});

function byteAt(pid: number, address: number): number | undefined {
	const memory = openSync(`/proc/${pid}/mem`, "r");
	const byte = new Uint8Array(1);
	readSync(memory, byte, 0, 1, address);
	closeSync(memory);
	return byte[0];
}

tellHowManyRan();
