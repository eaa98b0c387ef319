/** What the engine writes, read by Node's own parser: it sees the same message, and nothing after it. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request as sendRequest } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { writeLastChunk } from "./h1-write.ts";
import { H1Hop, writeRequestHead, writeResponseHead } from "./h1-write-head.ts";
import { NO_EDITS } from "./message.ts";
import { someRequest, someResponse } from "./testing/h1-heads.ts";
import { requestOf, responseOf } from "./testing/h1-pieces.ts";

const HEADS = 400;
const SEEDS_MAX = 20_000;

/** Sound ones whose body, if any, is given in chunks on the next hop. */
function* soundHeads<T extends { length: number | undefined }>(read: (chance: Chance) => T): Generator<T> {
	let found = 0;
	for (let seed = 0; seed < SEEDS_MAX && found < HEADS; seed++) {
		const head = read(new Chance(seed, 1));
		if (head.length === undefined) continue;
		found++;
		yield head;
	}
	assert.equal(found, HEADS);
}

function fieldsOf(head: { each(visit: (name: string, value: string) => void): void }): string[] {
	const fields: string[] = [];
	head.each((name, value) => fields.push(name, value));
	return fields;
}

function bodyOf(message: IncomingMessage): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = "";
		message.setEncoding("latin1").on("data", (piece: string) => {
			text += piece;
		});
		message.on("end", () => resolve(text)).on("error", reject);
	});
}

test("requests, by llhttp", async () => {
	const server = createServer();
	for (const { head } of soundHeads((chance) => requestOf(someRequest(chance)))) {
		if (head.method === "CONNECT" || head.method === "M-SEARCH" || head.authority === "") continue;
		const out = Buffer.alloc(4096);
		const hop = new H1Hop();
		if (head.bodyLength !== 0) hop.framing = "chunked";
		let end = writeRequestHead(out, 0, head, NO_EDITS, hop);
		if (head.bodyLength !== 0) end = writeLastChunk(out, end + out.write("3\r\nabc\r\n", end), undefined);
		const [near, far] = duplexPair();
		const heard = new Promise<IncomingMessage>((resolve, reject) => {
			server.once("request", resolve).once("clientError", reject);
		});
		server.emit("connection", far satisfies Duplex);
		near.write(out.subarray(0, end));
		const theirs = await heard;
		const body = await bodyOf(theirs);
		server.removeAllListeners("request").removeAllListeners("clientError");
		const { host, connection, te, "transfer-encoding": coding } = theirs.headers;
		assert.deepEqual(
			[theirs.method, theirs.url, theirs.httpVersion, host],
			[head.method, head.path, "1.1", head.authority],
		);
		assert.deepEqual([coding, body], head.bodyLength === 0 ? [undefined, ""] : ["chunked", "abc"]);
		assert.deepEqual([te, connection], head.acceptsTrailers ? ["trailers", "TE"] : [undefined, undefined]);
		const raw = theirs.rawHeaders.map((each, at) => (at % 2 === 0 ? each.toLowerCase() : each));
		const hops = ["host", "connection", "te", "transfer-encoding"];
		const passed = raw.filter((_, at) => !hops.includes(raw[at - (at % 2)] ?? ""));
		assert.deepEqual(passed, fieldsOf(head));
		near.destroy();
		far.destroy();
	}
	server.close();
});

test("responses, by llhttp", async () => {
	for (const { head } of soundHeads((chance) => responseOf(someResponse(chance)))) {
		if (head.status < 200) continue;
		const out = Buffer.alloc(4096);
		const hop = new H1Hop();
		const hasBody = head.status === 200 || head.status === 503;
		if (hasBody) hop.framing = "chunked";
		let end = writeResponseHead(out, 0, head, NO_EDITS, hop);
		if (hasBody) end = writeLastChunk(out, end + out.write("3\r\nabc\r\n", end), ["x-sum", "7"]);
		const [near, far] = duplexPair();
		const theirs = await new Promise<IncomingMessage>((resolve, reject) => {
			sendRequest({ createConnection: () => near, host: "a" }, resolve)
				.on("error", reject)
				.end();
			far.once("data", () => far.write(out.subarray(0, end)));
		});
		const body = await bodyOf(theirs);
		assert.equal(theirs.statusCode, head.status);
		assert.deepEqual([body, theirs.trailers["x-sum"]], hasBody ? ["abc", "7"] : ["", undefined]);
		const raw = theirs.rawHeaders.map((each, at) => (at % 2 === 0 ? each.toLowerCase() : each));
		const passed = raw.filter((_, at) => raw[at - (at % 2)] !== "transfer-encoding");
		assert.deepEqual(passed, fieldsOf(head));
		near.destroy();
		far.destroy();
	}
});
