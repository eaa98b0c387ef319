/**
 * For tests: lab/go/cmd/borrows from a copy of its own, so that the file can be replaced under its feet, or inside
 * a container: mount, pid and network namespaces of its own, its file in a file system that only it sees.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import type { BorrowsResult } from "@plumbline/lab/borrows-program";
import { buildService } from "@plumbline/lab/build-service";
import { liveBpf } from "./bpf-live.ts";

export interface ElsewhereProgram {
	/** As this host counts. */
	readonly pid: number;
	/** As it says itself. */
	readonly ownPid: number;
	/** Its file: of the copy here, inside the container there. */
	readonly path: string;
	/** Lets the work begin; what the program counted. */
	readonly go: () => Promise<BorrowsResult>;
}

/** Undefined after it has skipped the test. It holds on after its work, to the end of the test. */
export async function startElsewhere(
	t: TestContext,
	where: "own copy" | "container",
	args: readonly string[],
): Promise<ElsewhereProgram | undefined> {
	if ((await liveBpf(t)) === undefined) return undefined;
	const build = await buildService({ program: "borrows" });
	if (build.kind !== "built") {
		t.skip(`missing tool: go (${build.why})`);
		return undefined;
	}
	const folder = mkdtempSync(join(tmpdir(), "plumbline-elsewhere-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "borrows");
	const isContainer = where === "container";
	if (isContainer && spawnSync("unshare", [...NAMESPACES, "true"]).status !== 0) {
		t.skip("not possible here: no right to make namespaces");
		return undefined;
	}
	if (!isContainer) copyFileSync(build.path, path);
	if (!isContainer) chmodSync(path, 0o755);
	const inside = ["unshare", ...NAMESPACES, "sh", "-c", MOUNT_AND_RUN, folder, build.path, path];
	const [command = "", ...rest] = [...(isContainer ? inside : [path]), ...args, "-hold"];
	const child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	t.after(async () => {
		child.stdin.end();
		await exited;
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const next = async () => JSON.parse(String((await lines.next()).value));
	const { pid: ownPid } = await next();
	const outer = child.pid ?? 0;
	return {
		pid: isContainer ? onlyChild(outer) : outer,
		ownPid,
		path,
		async go() {
			child.stdin.write("go\n");
			return next();
		},
	};
}

const NAMESPACES = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"];
/** $0 is the folder, then the binary, then its place inside, then its arguments. */
const MOUNT_AND_RUN = `mount -t tmpfs tmpfs "$0" && cp "$1" "$2" && ip link set lo up; run="$2"; shift 2; exec "$run" "$@"`;

function onlyChild(pid: number): number {
	return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
}
