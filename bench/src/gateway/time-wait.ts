/**
 * TIME_WAIT that a proxy is left with: 500 requests a second for a minute to one upstream, through the gateway and, at
 * the same time and before an upstream of its own, through http-proxy as it comes. Ends with 1 if the gateway has 100.
 *
 *   node bench/src/gateway/time-wait.ts [--seconds 60] [--rate 500] [--only keeps,ten,idle]
 *
 * TIME_WAIT is with whoever closes first, for 60 s, and holds a port on the side that dialled. Both sides of the way
 * from proxy to upstream are counted, by `ss`, every second; told is the most that there was.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { ChaosGateway } from "@plumbline/gateway/testing/chaos-gateway";
import { ChaosLoad } from "@plumbline/gateway/testing/chaos-load";
import { startChaosUpstreams } from "@plumbline/gateway/testing/chaos-upstream";
import type { Behaviour } from "@plumbline/gateway/testing/chaos-upstream-program";
import { startTied } from "@plumbline/lab/tied-process";
import { wait } from "./chaos-stage.ts";

const OURS_MAX = 100;
const SAMPLE_MS = 1_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "60" },
		rate: { type: "string", default: "500" },
		only: { type: "string" },
	},
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);
if (!(seconds > 0) || !(rate > 0)) throw new Error("seconds and rate are numbers greater than 0");

const CASES: readonly { name: string; what: string; behaviour: Partial<Behaviour> }[] = [
	{ name: "keeps", what: "the upstream keeps connections", behaviour: {} },
	{ name: "ten", what: "it closes after every 10 requests", behaviour: { requestsMax: 10 } },
	{ name: "idle", what: "it closes what is idle for 1 s", behaviour: { idleMs: 1_000 } },
];

interface Side {
	readonly proxy: number;
	readonly upstream: number;
}

const run = promisify(execFile);

async function timeWaits(port: number): Promise<Side> {
	const filter = `( dport = :${port} or sport = :${port} )`;
	const { stdout } = await run("ss", ["-tanH", "state", "time-wait", filter], {
		maxBuffer: OUTPUT_BYTES_MAX,
	});
	let proxy = 0;
	let upstream = 0;
	for (const line of stdout.split("\n")) {
		const [, , local = ""] = line.trim().split(/\s+/);
		if (local.endsWith(`:${port}`)) upstream++;
		else if (local !== "") proxy++;
	}
	return { proxy, upstream };
}

async function startPeer(target: string) {
	const listening = Promise.withResolvers<number>();
	const program = fileURLToPath(new URL("./time-wait-peer.ts", import.meta.url));
	const started = await startTied(process.execPath, [program, target], {
		onLine: (line) => {
			const port = /^port (\d+)$/.exec(line)?.[1];
			if (port !== undefined) listening.resolve(Number(port));
		},
	});
	return { port: await listening.promise, stop: () => started.stop("SIGKILL") };
}

async function measure({ what, behaviour }: (typeof CASES)[number]): Promise<void> {
	const upstreams = await startChaosUpstreams(2);
	for (const each of upstreams) await each.behave(behaviour);
	const [first, second] = upstreams;
	if (first === undefined || second === undefined) throw new Error("there are two upstreams");
	const gateway = new ChaosGateway();
	await gateway.start(`workers: 1\nroutes: [{ path: /, to: "${first.url}" }]`);
	const peer = await startPeer(second.url);
	const proxies = [
		{ name: "plumbline gateway", port: gateway.port, to: first.port },
		{ name: "http-proxy, as it comes", port: peer.port, to: second.port },
	].map((each) => ({
		...each,
		load: new ChaosLoad({ port: each.port, perSecond: rate, posts: 0 }),
		most: [0, 0],
	}));
	const untilMs = performance.now() + seconds * 1_000;
	while (performance.now() < untilMs) {
		await wait(SAMPLE_MS);
		for (const each of proxies) {
			const { proxy, upstream } = await timeWaits(each.to);
			each.most = [Math.max(each.most[0] ?? 0, proxy), Math.max(each.most[1] ?? 0, upstream)];
		}
	}
	for (const { name, load, most } of proxies) {
		await load.stop();
		const [ours = 0, theirs = 0] = most;
		const cells = [load.sent, load.failures.length, ours, theirs].map((cell) => String(cell).padStart(9));
		console.log(`${what.padEnd(36)}${name.padEnd(25)}${cells.join("")}`);
	}
	if ((proxies[0]?.most[0] ?? 0) >= OURS_MAX) process.exitCode = 1;
	await gateway.stop();
	await peer.stop();
	for (const each of upstreams) await each.kill();
}

console.log(`${"TIME_WAIT, the most at a time".padEnd(61)}     sent   failed    proxy upstream`);
for (const each of CASES)
	if (values.only === undefined || values.only.split(",").includes(each.name)) await measure(each);
