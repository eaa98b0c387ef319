/** HTTP/1.1 and HTTP/2 towards clients, each before servers of either: one message comes out as what went in. */
import assert from "node:assert/strict";
import { createServer, request as requestH1 } from "node:http";
import { connect, createServer as createH2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { RawClient } from "./testing/h1-stage.ts";
import { wholeGateway } from "./testing/whole-gateway.ts";

const BODY = Buffer.alloc(300_000, "body ");

/** One behaviour of both servers, by Node's HTTP/1 and by its compatible API of HTTP/2. */
interface Asked {
	readonly method?: string | undefined;
	readonly url?: string | undefined;
	readonly headers: { readonly [name: string]: string | string[] | undefined };
	readonly trailers: { readonly [name: string]: string | string[] | undefined };
	on(event: "data", listener: (bytes: Buffer) => void): unknown;
	on(event: "end", listener: () => void): unknown;
}
interface Answering {
	statusCode: number;
	setHeader(name: string, value: string): unknown;
	addTrailers(trailers: Record<string, string>): void;
	writeEarlyHints(hints: Record<string, string>): unknown;
	write(bytes: string): unknown;
	end(bytes?: string | Buffer): unknown;
}

function handle(request: Asked, response: Answering): void {
	const path = request.url ?? "";
	response.setHeader("x-method", request.method ?? "");
	if (path === "/hints") {
		response.writeEarlyHints({ link: "</style.css>; rel=preload" });
		response.end("after hints");
		return;
	}
	if (path === "/204" || path === "/304") {
		response.statusCode = Number(path.slice(1));
		response.end();
		return;
	}
	if (path === "/length") {
		response.setHeader("content-length", String(BODY.length));
		response.end(request.method === "HEAD" ? undefined : BODY);
		return;
	}
	let bytes = 0;
	request.on("data", (piece) => {
		bytes += piece.length;
	});
	request.on("end", () => {
		response.setHeader("trailer", "x-sum");
		response.write(`${bytes} bytes, trailer ${String(request.trailers["x-check"])}`);
		response.addTrailers({ "x-sum": String(bytes) });
		response.end();
	});
}

async function upstream(t: TestContext, protocol: "http" | "h2c"): Promise<string> {
	const server =
		protocol === "http"
			? createServer((request, response) => handle(request, response as unknown as Answering))
			: createH2Server((request, response) => handle(request, response as unknown as Answering));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Heard {
	readonly status: number;
	readonly fields: { readonly [name: string]: string | string[] | undefined };
	readonly informational: readonly number[];
	readonly body: string;
	readonly trailers: { readonly [name: string]: string | string[] | undefined };
}

interface Wanted {
	readonly method: string;
	readonly path: string;
	readonly body?: Buffer;
	readonly trailers?: Record<string, string>;
	readonly fields?: Record<string, string>;
}

type Ask = (wanted: Wanted) => Promise<Heard>;

function askH1(port: number): Ask {
	return ({ method, path, body, trailers, fields }) =>
		new Promise((resolve, reject) => {
			const informational: number[] = [];
			const request = requestH1({ port, host: "127.0.0.1", method, path, agent: false });
			request.setHeader("te", "trailers");
			request.setHeader("connection", "te");
			for (const [name, value] of Object.entries(fields ?? {})) request.setHeader(name, value);
			request.on("information", ({ statusCode }) => informational.push(statusCode));
			request.on("error", reject);
			request.on("response", (response) => {
				let text = "";
				response.on("data", (bytes) => {
					text += String(bytes);
				});
				response.on("end", () =>
					resolve({
						status: response.statusCode ?? 0,
						fields: response.headers,
						informational,
						body: text,
						trailers: response.trailers,
					}),
				);
			});
			const send = () => {
				if (body !== undefined) request.write(body);
				if (trailers !== undefined) request.addTrailers(trailers);
				request.end();
			};
			if (fields?.expect === undefined) send();
			else {
				request.on("continue", send);
				request.flushHeaders();
			}
		});
}

function askH2(t: TestContext, port: number): Ask {
	const session = connect(`http://127.0.0.1:${port}`);
	t.after(() => session.destroy());
	return ({ method, path, body, trailers, fields }) =>
		new Promise((resolve, reject) => {
			const stream = session.request(
				{ ":method": method, ":path": path, te: "trailers", ...fields },
				{ waitForTrailers: trailers !== undefined, endStream: body === undefined },
			);
			let head: Record<string, unknown> = {};
			let came: Record<string, string> = {};
			let text = "";
			const informational: number[] = [];
			stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
			stream.on("headers", (each) => informational.push(Number(each[":status"])));
			stream.on("response", (each) => {
				head = each;
			});
			stream.on("trailers", (each) => {
				came = each as Record<string, string>;
			});
			stream.on("data", (bytes) => {
				text += String(bytes);
			});
			stream.on("error", reject);
			stream.on("end", () =>
				resolve({
					status: Number(head[":status"]),
					fields: head as Heard["fields"],
					informational,
					body: text,
					trailers: came,
				}),
			);
			const send = () => stream.end(body);
			if (body === undefined) return;
			if (fields?.expect === undefined) send();
			else stream.on("continue", send);
		});
}

for (const client of ["h1", "h2"] as const) {
	for (const server of ["http", "h2c"] as const) {
		test(`a client of ${client} before a server of ${server}`, async (t) => {
			const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "${await upstream(t, server)}" }\n`);
			const ask = client === "h1" ? askH1(gateway.port) : askH2(t, gateway.port);

			const length = await ask({ method: "GET", path: "/length" });
			assert.equal(length.body, String(BODY));
			assert.equal(length.fields["content-length"], String(BODY.length));

			const head = await ask({ method: "HEAD", path: "/length" });
			assert.deepEqual([head.status, head.body], [200, ""]);
			assert.equal(head.fields["content-length"], String(BODY.length));

			for (const status of [204, 304]) {
				const bare = await ask({ method: "GET", path: `/${status}` });
				assert.deepEqual([bare.status, bare.body], [status, ""]);
			}

			const hints = await ask({ method: "GET", path: "/hints" });
			assert.deepEqual([hints.informational, hints.body], [[103], "after hints"]);

			const whole = await ask({
				method: "POST",
				path: "/",
				body: BODY,
				trailers: { "x-check": "ok" },
				fields: { trailer: "x-check" },
			});
			assert.equal(whole.body, `${BODY.length} bytes, trailer ok`);
			assert.equal(whole.trailers["x-sum"], String(BODY.length));

			const expecting = await ask({
				method: "PUT",
				path: "/",
				body: BODY,
				fields: { expect: "100-continue", "content-length": String(BODY.length) },
			});
			assert.equal(expecting.body, `${BODY.length} bytes, trailer undefined`);
			await gateway.until(({ exchanges }) => exchanges === 0);
		});
	}
}

test("who does not take trailers, and who speaks HTTP/1.0, gets the same body", async (t) => {
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "${await upstream(t, "h2c")}" }\n`);
	const old = new RawClient(gateway.port);
	old.write("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
	assert.match(await old.untilEnd(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n3 bytes, trailer undefined$/);
	old.close();
	const plain = new RawClient(gateway.port);
	plain.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
	assert.doesNotMatch(await plain.untilEnd(), /x-sum: 3/);
	plain.close();
});
