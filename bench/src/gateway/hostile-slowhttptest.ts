/** slowhttptest of Debian: slowloris (-H), slow body (-B), slow read (-X), as others measure servers. */
import { execFile } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import type { Attack } from "@plumbline/gateway/testing/hostile-attack";

const CONNECTIONS = 1000;
const RATE = 400;

export const SLOWHTTPTEST_ATTACKS: readonly Attack[] = [
	slow("slowhttptest -H", ["-H", "-i", "1"], "/"),
	slow("slowhttptest -B", ["-B", "-i", "1", "-s", "8192"], "/"),
	slow("slowhttptest -X", ["-X", "-w", "1", "-y", "32", "-n", "1", "-z", "8", "-k", "3"], "/large"),
];

function slow(name: string, how: readonly string[], path: string): Attack {
	return {
		name,
		size: CONNECTIONS,
		run: ({ port }, size, signal) =>
			new Promise((resolve) => {
				const url = `http://127.0.0.1:${port}${path}`;
				const args = [...how, "-c", String(size), "-r", String(RATE), "-l", "10", "-u", url];
				const child = execFile("slowhttptest", args, (error, stdout) => {
					const missing = (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
					resolve(missing ? "missing tool: slowhttptest" : summary(stdout));
				});
				signal.addEventListener("abort", () => child.kill(), { once: true });
			}),
	};
}

/** The last state that it printed. */
function summary(stdout: string): string {
	const plain = stripVTControlCharacters(stdout);
	const last = plain.slice(plain.lastIndexOf("slow HTTP test status"));
	const counts = ["connected", "error", "closed", "service available"].map((name) => {
		const [, value = "?"] = new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(last) ?? [];
		return `${name} ${value}`;
	});
	return counts.join(", ");
}
