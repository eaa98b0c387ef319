/** Programs before the running kernel's verifier, and on a tracepoint. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { BpfAssembler } from "./bpf-assembler.ts";
import { readKernelTypes } from "./bpf-btf.ts";
import { attachTracepoint, loadProgram } from "./bpf-programs.ts";
import { counted, countIn, expectRead, liveBpf, makeCounters, tellHowManyRan } from "./testing/bpf-live.ts";

const LISTEN = 10;
const TRACEPOINT = "inet_sock_set_state";

for (const kind of ["raw-tracepoint", "tp-btf"] as const) {
	test(`${kind}: sees every socket of ours that begins to listen`, async (t) => {
		const bpf = await liveBpf(t);
		if (bpf === undefined) return;
		const types = readKernelTypes();
		if (kind === "tp-btf" && types.kind === "refused") return t.skip(`not possible here: ${types.why}`);
		const btfId = types.kind === "read" ? types.value.idOf("typedef", `btf_trace_${TRACEPOINT}`) : undefined;
		const counters = makeCounters(bpf);
		// Arguments: socket, old state, new state.
		const assembler = new BpfAssembler().load("dw", "r6", "r1", 16).alu("and", "r6", 0xff);
		assembler.call("get_current_pid_tgid").alu("rsh", "r0", 32);
		assembler.jump("jne", "r0", process.pid, "end").jump("jne", "r6", LISTEN, "end");
		countIn(assembler, counters);
		const instructions = assembler.label("end").move("r0", 0).exit().build();
		const typed = kind === "tp-btf" && btfId !== undefined ? { btfId } : {};
		const program = expectRead(loadProgram(bpf, { kind, instructions, name: "listens", ...typed }));
		const attached = expectRead(attachTracepoint(bpf, program, kind === "tp-btf" ? undefined : TRACEPOINT));
		for (let n = 0; n < 13; n++) await listenOnce();
		attached.close();
		await listenOnce();
		assert.equal(counted(counters), 13);
		program.close();
		counters.close();
	});
}

async function listenOnce(): Promise<void> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	server.close();
	await once(server, "close");
}

test("a program the verifier refuses: its words, cut to the end", async (t) => {
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const assembler = new BpfAssembler();
	for (let n = 0; n < 3000; n++) assembler.move("r0", n);
	const instructions = assembler.load("dw", "r0", "r1", 8).load("dw", "r0", "r0", 0).exit().build();
	const refused = loadProgram(bpf, { kind: "uprobe", instructions, name: "wild" });
	assert.ok(refused.kind === "refused");
	assert.equal(refused.code, "failed");
	assert.match(refused.why, /^loading BPF program wild \(uprobe\): EACCES \(13\); the verifier says: /);
	assert.match(refused.why, /R0 invalid mem access 'scalar'/);
	assert.ok(refused.why.length < 2000, `${refused.why.length} characters`);
});

test("a tracepoint that is not there", async (t) => {
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const instructions = new BpfAssembler().move("r0", 0).exit().build();
	const program = expectRead(loadProgram(bpf, { kind: "raw-tracepoint", instructions, name: "none" }));
	assert.deepEqual(attachTracepoint(bpf, program, "no_such_thing"), {
		kind: "refused",
		code: "absent",
		why: "attaching to tracepoint no_such_thing: ENOENT (2); there is no such file or name",
	});
	program.close();
});

const UNPRIVILEGED = `
	const { loadBpf } = await import("./bpf-system-call.ts");
	const { loadProgram } = await import("./bpf-programs.ts");
	const bpf = (await loadBpf()).value;
	const program = loadProgram(bpf, { kind: "uprobe", instructions: new Uint8Array(16), name: "p" });
	console.log(JSON.stringify(program));
`;

test("without rights: denied, and which right is missing", (t) => {
	if (process.geteuid?.() !== 0) return t.skip("not possible here: not root, so nobody to become");
	const drop = ["--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
	const script = ["--input-type=module", "-e", UNPRIVILEGED];
	const child = spawnSync("setpriv", [...drop, process.execPath, ...script], {
		cwd: import.meta.dirname,
		encoding: "utf8",
	});
	assert.deepEqual(JSON.parse(child.stdout), {
		kind: "refused",
		code: "denied",
		why: "loading BPF program p (uprobe): EPERM (1); missing: CAP_BPF and CAP_PERFMON (run as root, or see plumbline doctor)",
	});
});

tellHowManyRan();
