/** Clients of HTTP/1 that do not read, do not close, and exchanges that cannot answer. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ListResponseHead, NO_EDITS } from "./message.ts";
import type { Failure, RequestReceiver, ServerStream } from "./stream.ts";
import { h1Stage, RawClient, type StageWishes } from "./testing/h1-stage.ts";

const IGNORE: RequestReceiver = {
	data: () => undefined,
	end: () => undefined,
	reset: () => undefined,
	drained: () => undefined,
	batchEnd: () => undefined,
};
const HEAD = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
const UPGRADE = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

async function clientOf(t: TestContext, wishes: StageWishes) {
	const stage = await h1Stage(wishes);
	const raw = new RawClient(stage.port);
	t.after(() => {
		raw.close();
		return stage.close();
	});
	return { raw, listener: stage.listener };
}

async function turns(count: number): Promise<void> {
	for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
}

test("whoever asks and asks without reading is not answered into memory, and gets all when it reads", async (t) => {
	const requests = 80;
	const body = Buffer.alloc(1024 * 1024, "x");
	let began = 0;
	const { raw } = await clientOf(t, {
		onRequest: (_head, stream) => {
			began++;
			stream.head(new ListResponseHead(200, [], body.length), NO_EDITS);
			stream.data(body);
			stream.end(undefined);
			return IGNORE;
		},
	});
	raw.socket.removeAllListeners("data");
	raw.socket.pause();
	for (let at = 1; at <= requests; at++) {
		raw.write(HEAD);
		for (let turn = 0; turn < 100 && began < at; turn++) await turns(1);
	}
	assert.ok(began < requests / 2, `${began} answers of 1 MiB wait for a client that reads nothing`);
	let bytes = 0;
	raw.socket.on("data", (read) => {
		bytes += read.length;
	});
	raw.socket.resume();
	while (bytes < requests * body.length) await turns(1);
	assert.equal(began, requests);
});

test("a tunnel whose server has ended is cut when its exchange gives up, whatever the client does", async (t) => {
	let stream: ServerStream | undefined;
	const { raw, listener } = await clientOf(t, {
		onRequest: (_head, asked) => {
			stream = asked;
			setImmediate(() => {
				asked.head(new ListResponseHead(101, [], undefined), NO_EDITS);
				asked.end(undefined);
			});
			return IGNORE;
		},
	});
	raw.write(UPGRADE);
	await raw.untilEnd();
	assert.match(raw.all, /^HTTP\/1\.1 101 /);
	stream?.reset({ kind: "timeout", timeout: "idle", detail: "it is over" });
	while (listener.counts.open > 0) await turns(1);
});

test("an answer that cannot be written ends its exchange too", async (t) => {
	const told: Failure[] = [];
	const { raw } = await clientOf(t, {
		onRequest: (_head, stream) => {
			setImmediate(() => stream.head(new ListResponseHead(200, ["x-a", "a\r\nb"], 0), NO_EDITS));
			return { ...IGNORE, reset: (failure) => void told.push(failure) };
		},
	});
	raw.write(HEAD);
	assert.equal(await raw.untilEnd(), "");
	assert.deepEqual(
		told.map(({ kind }) => kind),
		["malformed"],
	);
});
