import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { loadSocketLibc } from "./supervisor-libc.ts";
import { ask, startEcho, startLoad } from "./testing/echo-run.ts";

const missing = (await loadSocketLibc()) === undefined ? "missing tool: koffi" : false;
const LOAD_CLIENTS = 6;
const REQUESTS_A_ROUND = 30;

function config({ workers = 2, routes = ["/"], drain = "5s" } = {}): string {
	return [
		"listen: 127.0.0.1:0",
		`workers: ${workers}`,
		`drain: ${drain}`,
		"routes:",
		...routes.map((path) => `  - { path: ${path}, to: "http://127.0.0.1:9" }`),
	].join("\n");
}

async function tunnel(port: number) {
	const socket = connect(port, "127.0.0.1");
	socket.write("GET /tunnel HTTP/1.1\r\n\r\n");
	await once(socket, "data");
	return {
		socket,
		async echo(text: string): Promise<void> {
			socket.write(text);
			const [bytes] = await once(socket, "data");
			assert.equal(String(bytes), text);
		},
	};
}

describe("a gateway and its supervisor", { skip: missing }, () => {
	for (const workers of [1, 2]) {
		test(`${workers}: what it says, what it serves, and how it ends`, async (t) => {
			const run = await startEcho(t, config({ workers }));
			const count = workers === 1 ? "1 worker" : "2 workers";
			assert.match(
				run.lines[0] ?? "",
				new RegExp(`^listening on http://127.0.0.1:\\d+; 1 route to 1 upstream; ${count}, pid \\d+$`),
			);
			assert.deepEqual((await ask(run.port)).routes, ["/"]);
			run.child.kill("SIGTERM");
			assert.equal(await run.ended, 0);
		});

		test(`${workers}: a reload under load loses nothing, and tunnels live on`, async (t) => {
			const run = await startEcho(t, config({ workers }));
			const open = await tunnel(run.port);
			const load = startLoad(run.port, LOAD_CLIENTS);
			for (let round = 1; round <= 10; round++) {
				run.configure(config({ workers, routes: ["/", `/r${round}`] }));
				run.child.kill("SIGHUP");
				await run.said(/^configuration read again: route/);
				// Each one in the middle of requests.
				for (const asked = load.requests; load.requests < asked + REQUESTS_A_ROUND; )
					await open.echo("round");
			}
			assert.deepEqual(await load.stop(), []);
			assert.deepEqual((await ask(run.port)).routes, ["/r10", "/"]);
			open.socket.destroy();
		});

		test(`${workers}: a broken configuration changes nothing, and says what is wrong`, async (t) => {
			const run = await startEcho(t, config({ workers }));
			run.configure(config({ workers }).replace("drain", "drian"));
			await run.said(/not taken, the old one stays:$/);
			assert.match(await run.said(/line 3/), /drian: not a key that is known; did you mean drain\?/);
			assert.deepEqual((await ask(run.port)).routes, ["/"]);
			run.configure(config({ workers, routes: ["/new"] }));
			await run.said(/route \/new added, route \/ removed/);
			assert.deepEqual((await ask(run.port)).routes, ["/new"]);
		});

		test(`${workers}: a listener comes and goes with a reload; one that cannot be had refuses all of it`, async (t) => {
			const run = await startEcho(t, config({ workers }));
			const more = (name: string, place: string) =>
				config({ workers }).replace(
					"listen: 127.0.0.1:0",
					`listen: ["127.0.0.1:0", { name: ${name}, at: "${place}" }]`,
				);
			const path = `${tempSocket()}`;
			run.configure(more("beside", `unix:${path}`));
			await run.said(/listener beside added/);
			const socket = connect(path);
			socket.write("GET / HTTP/1.1\r\n\r\n");
			assert.match(String((await once(socket, "data"))[0]), /"routes"/);
			socket.destroy();
			run.configure(more("refuse-me", "127.0.0.2:0"));
			assert.match(await run.said(/not taken/), /cannot serve refuse-me/);
			run.configure(more("taken", `127.0.0.1:${run.port}`));
			assert.match(await run.said(/not taken/), /another program has this place/);
			await ask(run.port);
			run.configure(config({ workers }));
			await run.said(/listener beside removed/);
			await assert.rejects(once(connect(path), "connect"), /ENOENT/);
		});

		test(`${workers}: a new program takes over under load (SIGUSR2), and the old one ends`, async (t) => {
			const run = await startEcho(t, config({ workers }));
			const load = startLoad(run.port, LOAD_CLIENTS);
			const before = (await ask(run.port)).pid;
			run.child.kill("SIGUSR2");
			const successor = Number(/process (\d+) serves now/.exec(await run.said(/serves now/))?.[1]);
			assert.equal(await run.ended, 0);
			const requests = load.requests;
			while (load.requests < requests + 50) await ask(run.port);
			assert.deepEqual(await load.stop(), []);
			assert.notEqual((await ask(run.port)).pid, before);
			process.kill(successor, "SIGTERM");
			await untilGone(successor);
		});
	}

	test("a rolling restart under load (SIGUSR1) loses nothing", async (t) => {
		const run = await startEcho(t, config());
		const load = startLoad(run.port, LOAD_CLIENTS);
		for (let round = 0; round < 3; round++) {
			run.child.kill("SIGUSR1");
			await run.said(/^new workers serve/);
		}
		assert.deepEqual(await load.stop(), []);
		assert.ok(load.pids.size >= 6, `${load.pids.size} processes`);
	});

	test("a worker that crashes is started again; who waits in its queue is served", async (t) => {
		const run = await startEcho(t, config());
		const { slot } = await ask(run.port);
		await assert.rejects(ask(run.port, "/crash"));
		assert.match(await run.said(/ended: exit status 9/), /worker \d \(pid \d+\) ended.*; starting it again$/);
		const answers = await Promise.all(Array.from({ length: 64 }, () => ask(run.port)));
		assert.deepEqual([...new Set(answers.map((each) => each.slot))].toSorted(), [0, 1]);
		assert.ok(slot <= 1);
	});

	test("what one publishes the others hear, and those that come later too; one asks all", async (t) => {
		const run = await startEcho(t, config());
		await ask(run.port, "/publish/hello");
		const heard = async () => {
			const answers = await Promise.all(Array.from({ length: 32 }, () => ask(run.port)));
			return new Set(answers.map(({ said }) => said)).has("hello");
		};
		while (!(await heard()));
		const all = (await ask(run.port, "/collect")) as unknown as {
			readonly slot: number;
			readonly pid: number;
		}[];
		assert.deepEqual(
			all.map(({ slot }) => slot),
			[0, 1],
		);
		run.child.kill("SIGUSR1");
		await run.said(/^new workers serve/);
		assert.equal((await ask(run.port)).said, "hello");
	});

	test("a second gateway at the same place is refused", async (t) => {
		const run = await startEcho(t, config());
		await assert.rejects(
			startEcho(t, config().replace(":0", `:${run.port}`)),
			/cannot listen on 127\.0\.0\.1:\d+: another program has this place/,
		);
	});
});

function tempSocket(): string {
	return `/tmp/plumbline-echo-${process.pid}-${performance.now()}.sock`;
}

/** A child of a child: nobody tells us of its end. */
async function untilGone(pid: number): Promise<void> {
	while (true) {
		try {
			process.kill(pid, 0);
		} catch {
			return;
		}
		await new Promise((resolve) => setImmediate(resolve));
	}
}
