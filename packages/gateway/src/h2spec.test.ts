/**
 * h2spec against our server, strictly. What fails is nghttp2's way below node:http2, and is written down here with its
 * reason; anything else that fails is ours.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ListResponseHead, NO_EDITS } from "./message.ts";
import type { OnRequest } from "./stream.ts";
import { listenH2 } from "./testing/forwarding.ts";

const MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
const INSTALL_MS_MAX = 240_000;
const RUN_MS_MAX = 60_000;
/** For each case, in seconds: those that wait for a frame that never comes take it whole. */
const CASE_SECONDS = "1";
const CASES = 146;

const FORGOTTEN =
	"nghttp2 forgets closed streams, and throws frames of them away instead of ending the connection";
const RACING = "our answer was whole before the frame came, so its stream is one of the forgotten";
const UNPRIORITIZED = "nghttp2 does not read PRIORITY any more: RFC 9113 has done away with it";

const KNOWN: Readonly<Record<string, string>> = {
	"http2/5.1: half closed (remote): Sends a DATA frame": RACING,
	"http2/5.1: half closed (remote): Sends a HEADERS frame": RACING,
	"http2/5.1: closed: Sends a DATA frame after sending RST_STREAM frame": FORGOTTEN,
	"http2/5.1: closed: Sends a HEADERS frame after sending RST_STREAM frame": FORGOTTEN,
	"http2/5.1: closed: Sends a DATA frame": FORGOTTEN,
	"http2/5.1: closed: Sends a HEADERS frame": FORGOTTEN,
	"http2/5.1.1: Sends stream identifier that is numerically smaller than previous": FORGOTTEN,
	"http2/5.3.1: Sends PRIORITY frame that depend on itself": UNPRIORITIZED,
	'http2/6.1: Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" state': RACING,
	"http2/6.3: Sends a PRIORITY frame with 0x0 stream identifier": UNPRIORITIZED,
	"http2/6.7: Sends a PING frame with ACK":
		"Node ends a connection whose PING ACK answers nothing; the case wants its next PING answered",
	"http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream":
		"nghttp2 ends the connection where resetting the stream would do",
};

const hello: OnRequest = (_head, stream) => ({
	data: () => undefined,
	end() {
		stream.head(new ListResponseHead(200, ["content-type", "text/plain"], 5), NO_EDITS);
		stream.data(Buffer.from("hello"));
		stream.end(undefined);
		stream.flush();
	},
	reset: () => undefined,
	drained: () => undefined,
	batchEnd: () => undefined,
});

test("h2spec fails nothing but what is known", { timeout: INSTALL_MS_MAX + RUN_MS_MAX }, async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "h2spec-"));
	t.after(() => rmSync(dir, { recursive: true, force: true }));
	const installed = spawnSync("go", ["install", MODULE], {
		cwd: dir,
		env: { ...process.env, GOBIN: dir },
		timeout: INSTALL_MS_MAX,
		encoding: "utf8",
	});
	if (installed.error !== undefined) return t.skip("missing tool: go");
	if (installed.status !== 0) return t.skip("missing tool: h2spec (go install did not get it)");
	const server = await listenH2(hello);
	t.after(() => server.close());
	const report = join(dir, "report.xml");
	const args = ["--strict", "-h", "127.0.0.1", "-p", String(server.port), "-o", CASE_SECONDS, "-j", report];
	const child = spawn(join(dir, "h2spec"), args, { stdio: "ignore", timeout: RUN_MS_MAX });
	await new Promise((resolve) => child.once("close", resolve));
	const xml = readFileSync(report, "utf8");
	const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>\s*(<\w+)?/g)];
	assert.equal(cases.length, CASES);
	const failed = cases.filter((each) => each[3] !== undefined).map((each) => `${each[1]}: ${plain(each[2])}`);
	assert.deepEqual(
		failed.filter((name) => KNOWN[name] === undefined),
		[],
	);
	t.diagnostic(`${CASES - failed.length} of ${CASES} pass`);
});

function plain(text: string | undefined): string {
	return (text ?? "").replaceAll("&#34;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
