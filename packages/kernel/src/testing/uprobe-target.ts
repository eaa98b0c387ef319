/**
 * For tests: the Go program of fixtures/uprobe-target, built once per test file, with the offsets of its
 * functions found by `go tool nm` and the program headers, and running copies of it.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface UprobeTarget {
	readonly pid: number;
	/** Makes `Counted` run so often, over four threads, and `Other` a tenth of it. Resolves when done. */
	readonly call: (times: number) => Promise<void>;
	/** Ends it; gives its exit code, null after a signal. */
	readonly end: () => Promise<number | null>;
}

export interface UprobeTargetBinary {
	readonly path: string;
	/** Offset in the file of a function's first instruction. */
	readonly offsetOf: (name: string) => number;
	/** Where it lies in a running copy: the file is loaded where it says. */
	readonly addressOf: (name: string) => number;
	readonly start: () => Promise<UprobeTarget>;
	readonly remove: () => void;
}

/** Undefined without Go. */
export function buildUprobeTarget(): UprobeTargetBinary | undefined {
	if (spawnSync("go", ["version"]).status !== 0) return undefined;
	const folder = mkdtempSync(join(tmpdir(), "plumbline-uprobe-target-"));
	const path = join(folder, "target");
	const cwd = fileURLToPath(new URL("../../fixtures/uprobe-target", import.meta.url));
	const built = spawnSync("go", ["build", "-buildmode=exe", "-o", path, "."], { cwd, encoding: "utf8" });
	if (built.status !== 0) throw new Error(`the target could not be built: ${built.stderr}`);
	const symbols = spawnSync("go", ["tool", "nm", path], { encoding: "utf8" }).stdout;
	const addressOf = (name: string) => {
		const line = symbols.split("\n").find((each) => each.endsWith(` T ${name}`));
		if (line === undefined) throw new Error(`no function ${name}`);
		return Number(`0x${line.trim().split(" ")[0]}`);
	};
	return {
		path,
		addressOf,
		offsetOf: (name) => fileOffset(readFileSync(path), BigInt(addressOf(name))),
		start: () => start(path),
		remove: () => rmSync(folder, { recursive: true }),
	};
}

/** ELF64: the loaded segment an address lies in. */
function fileOffset(elf: Buffer, address: bigint): number {
	const table = Number(elf.readBigUInt64LE(32));
	for (let i = 0; i < elf.readUInt16LE(56); i++) {
		const at = table + i * elf.readUInt16LE(54);
		const begin = elf.readBigUInt64LE(at + 16);
		const isLoaded = elf.readUInt32LE(at) === 1;
		if (isLoaded && address >= begin && address < begin + elf.readBigUInt64LE(at + 32)) {
			return Number(elf.readBigUInt64LE(at + 8) + address - begin);
		}
	}
	throw new Error(`no segment holds ${address}`);
}

async function start(path: string): Promise<UprobeTarget> {
	const child = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const expectLine = async (expected: string) => {
		const { value } = await lines.next();
		if (value !== expected) throw new Error(`the target said ${value}, not ${expected}`);
	};
	await expectLine("ready");
	if (child.pid === undefined) throw new Error("the target did not start");
	return {
		pid: child.pid,
		call: async (times) => {
			child.stdin.write(`${times}\n`);
			await expectLine(String(times));
		},
		end: async () => {
			child.stdin.end();
			const [code] = await exited;
			return code;
		},
	};
}
