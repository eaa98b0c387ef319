import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { after, test } from "node:test";
import { HTTP_REDIRECTS_MAX, httpGet, quoteStart, refusal } from "./http-get.ts";

const PASSWORD = "hunter2-unlikely";
const LIMITS = { timeoutMs: 5000, bytesMax: 1000 };
const servers: Server[] = [];
after(() => {
	for (const server of servers) {
		server.closeAllConnections();
		server.close();
	}
});

/** A server of its own for one test: `127.0.0.1:port`. */
function serve(listener: RequestListener): Promise<string> {
	const server = createHttpServer(listener);
	servers.push(server);
	return new Promise((resolve) => {
		server.listen(0, "127.0.0.1", () => {
			const address = server.address();
			resolve(`127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
		});
	});
}

function rejects(url: string, code: string, message: RegExp, limits = LIMITS): Promise<void> {
	return assert.rejects(httpGet(url, limits), (error: Error & { code?: string }) => {
		assert.equal(error.code, code);
		assert.match(error.message, message);
		assert.ok(!error.message.includes(PASSWORD));
		return true;
	});
}

test("an answer: status, type, bytes; credentials go along", async () => {
	const host = await serve((request, response) => {
		assert.equal(request.headers.authorization, `Basic ${btoa(`a:${PASSWORD}`)}`);
		assert.equal(request.headers["accept-encoding"], "identity");
		assert.equal(request.url, "/x?debug=1");
		response.setHeader("content-type", "text/plain").end("seven\n");
	});
	const answer = await httpGet(`http://a:${PASSWORD}@${host}/x?debug=1`, LIMITS);
	assert.equal(new TextDecoder().decode(answer.bytes), "seven\n");
	assert.deepEqual({ ...answer, bytes: 0 }, { status: 200, contentType: "text/plain", bytes: 0 });
	assert.equal(refusal(answer, "http://x/"), undefined);
});

test("a body over the bound is cut there; one that just fits is whole", async () => {
	const host = await serve((request, response) => response.end("x".repeat(Number(request.url?.slice(1)))));
	const cut = await httpGet(`http://${host}/1001`, LIMITS);
	assert.equal(cut.bytes.length, 1000);
	assert.equal(cut.truncated, "stopped at the bound of 1000 bytes");
	const whole = await httpGet(`http://${host}/1000`, LIMITS);
	assert.equal(whole.bytes.length, 1000);
	assert.equal(whole.truncated, undefined);
});

test("what came before a hang or a break is kept and marked", async () => {
	const host = await serve((request, response) => {
		response.write("half", () => (request.url === "/break" ? response.destroy() : undefined));
	});
	const hung = await httpGet(`http://${host}/hang`, { ...LIMITS, timeoutMs: 300 });
	assert.equal(hung.truncated, "stopped after 300 ms with 4 bytes read");
	const broken = await httpGet(`http://${host}/break`, LIMITS);
	assert.equal(broken.truncated, "the connection broke after 4 bytes");
});

test("no answer: each reason in words", async () => {
	const mute = await serve(() => {});
	await rejects(
		`http://a:${PASSWORD}@${mute}/`,
		"timeout",
		/^http:\/\/a:\*\*\*@127.*did not answer within 50 ms/,
		{ ...LIMITS, timeoutMs: 50 },
	);
	const rude = await serve((request) => request.socket.destroy());
	await rejects(`http://a:${PASSWORD}@${rude}/`, "reset", /connection was closed before an answer/);
	await rejects(
		`https://a:${PASSWORD}@${mute}/`,
		"tls",
		/no TLS with 127.0.0.1:\d+ \(EPROTO\): it may speak plain http/,
	);
	await rejects(`http://a:${PASSWORD}@nowhere.invalid/`, "unknown-host", /^unknown host "nowhere.invalid"/);
	await rejects(`postgres://a:${PASSWORD}@h/`, "url", /is not an http:\/\/ or https:\/\/ URL/);
	await rejects(`nonsense`, "url", /^"nonsense" is not/);
	const zipped = await serve((_, response) => response.setHeader("content-encoding", "gzip").end("x"));
	await rejects(`http://${zipped}/`, "not-http", /answers in content-encoding "gzip"/);
});

test("a closed port, and one that speaks something else", async () => {
	const other = createTcpServer((socket) =>
		socket
			.on("error", () => {})
			.resume()
			.end("+OK POP3 ready\r\n"),
	);
	const port = await new Promise<number>((resolve) => {
		other.listen(0, "127.0.0.1", () => {
			const address = other.address();
			resolve(address !== null && typeof address === "object" ? address.port : 0);
		});
	});
	await rejects(`http://127.0.0.1:${port}/`, "not-http", /does not speak HTTP \(HPE_/);
	await new Promise((resolve) => other.close(resolve));
	await rejects(
		`http://127.0.0.1:${port}/`,
		"refused",
		new RegExp(`^connection refused by 127.0.0.1:${port}: nothing listens`),
	);
});

test("redirects: followed on the same host with the credentials, a few times, never elsewhere", async () => {
	let asked = 0;
	const host = await serve((request, response) => {
		asked++;
		if (request.url === "/end") {
			assert.ok(request.headers.authorization);
			response.end("there");
			return;
		}
		const location =
			request.url === "/away" ? "http://localhost.invalid/" : request.url === "/loop" ? "/loop" : "/end";
		response.writeHead(302, { location }).end();
	});
	const answer = await httpGet(`http://a:${PASSWORD}@${host}/start`, LIMITS);
	assert.equal(new TextDecoder().decode(answer.bytes), "there");
	asked = 0;
	await rejects(`http://${host}/loop`, "redirect", /redirects more than 3 times/);
	assert.equal(asked, HTTP_REDIRECTS_MAX + 1);
	await rejects(
		`http://${host}/away`,
		"redirect",
		/redirects to another host \("http:\/\/localhost.invalid\/"\)/,
	);
});

test("an abort ends the exchange at once, before and during it", async () => {
	let closed: () => void = () => {};
	const gone = new Promise<void>((resolve) => {
		closed = resolve;
	});
	const stop = new AbortController();
	const host = await serve((request) => {
		request.socket.once("close", closed);
		stop.abort();
	});
	await assert.rejects(httpGet(`http://${host}/`, { ...LIMITS, signal: stop.signal }), {
		name: "AbortError",
	});
	await gone;
	await assert.rejects(httpGet(`http://${host}/`, { ...LIMITS, signal: stop.signal }), {
		name: "AbortError",
	});
});

test("refusals say what was answered and what to try", () => {
	const answer = (status: number, text: string) => ({
		status,
		contentType: "",
		bytes: new TextEncoder().encode(text),
	});
	const url = `http://a:${PASSWORD}@h/debug/pprof/`;
	assert.equal(
		refusal(answer(404, "404 page not found\n"), url),
		'http://a:***@h/debug/pprof/ answered 404 ("404 page not found"): nothing is served under this path; check the path and the port',
	);
	assert.match(refusal(answer(401, ""), url) ?? "", /answered 401: it wants credentials/);
	assert.match(refusal(answer(403, "no"), url) ?? "", /answered 403 \("no"\)/);
	assert.match(refusal(answer(500, "oops"), url) ?? "", /answered status 500 \("oops"\) instead of 200/);
});

test("a quote is one short printable line", () => {
	const quoted = (text: string) => quoteStart(new TextEncoder().encode(text));
	assert.equal(quoted("\n\n  first\r\nsecond"), "first");
	assert.equal(quoted("a\u001b[31mred\u0000"), "a\ufffd[31mred\ufffd");
	assert.equal(quoted("x".repeat(200)), `${"x".repeat(80)}...`);
	assert.equal(quoted(`see http://a:${PASSWORD}@h/`), "see http://a:***@h/");
	assert.equal(quoteStart(new Uint8Array()), "");
});

test("an answer that switches protocols is refused at once", async (t) => {
	const server = createTcpServer((socket) => {
		socket.on("error", () => {});
		socket.on("data", () =>
			socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc"),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	const address = server.address();
	const port = typeof address === "object" ? address?.port : "";
	await rejects(`http://127.0.0.1:${port}/`, "not-http", /answers 101/);
});
