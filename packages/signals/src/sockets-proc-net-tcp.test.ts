import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeProcNetTcp, looksLikeProcNetTcp } from "./sockets-proc-net-tcp.ts";

const HEADER =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

function row(local: string, peer: string, state: string, inode: number, index = 0): string {
	return `   ${index}: ${local} ${peer} ${state} 00000007:0000000B 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 20 4 30 10 -1\n`;
}

function decode(text: string) {
	const decoded = decodeProcNetTcp(new TextEncoder().encode(text));
	assert.ok(decoded.kind === "decoded", `foreign: ${text}`);
	return { sockets: decoded.value.sockets, flaws: decoded.flaws };
}

test("one row, field by field", () => {
	const { sockets, flaws } = decode(HEADER + row("0200000A:1538", "0300000A:A028", "08", 90210));
	assert.deepEqual(flaws, []);
	assert.deepEqual(sockets, [
		{
			state: "CLOSE_WAIT",
			localIp: "10.0.0.2",
			localPort: 5432,
			peerIp: "10.0.0.3",
			peerPort: 41000,
			recvQ: 11,
			sendQ: 7,
			uid: 1000,
			inode: 90210,
			offset: HEADER.length,
		},
	]);
});

test("rows repeated under churn are merged, the later one wins", () => {
	const { sockets } = decode(
		HEADER +
			row("0200000A:1538", "0300000A:A028", "01", 5) +
			row("0200000A:1539", "0300000A:A028", "01", 6) +
			row("0200000A:1538", "0300000A:A028", "06", 0),
	);
	assert.deepEqual(
		sockets.map((socket) => [socket.localPort, socket.state]),
		[
			[5432, "TIME_WAIT"],
			[5433, "ESTABLISHED"],
		],
	);
});

test("listeners that share a port are not merged", () => {
	const { sockets } = decode(
		HEADER + row("00000000:1538", "00000000:0000", "0A", 5) + row("00000000:1538", "00000000:0000", "0A", 6),
	);
	assert.equal(sockets.length, 2);
});

test("IPv6 words are in the host's order, mapped ones become IPv4", () => {
	const { sockets } = decode(
		row("B80D0120000000000000000001000000:0050", "0000000000000000FFFF00000100007F:0051", "01", 5),
	);
	assert.deepEqual([sockets[0]?.localIp, sockets[0]?.peerIp], ["2001:db8::1", "127.0.0.1"]);
});

test("hostile: rows of another shape cost themselves only", () => {
	for (const bad of [
		"garbage\n",
		row("0200000A:1538", "0300000A:A028", "7F", 5),
		row("0200000:1538", "0300000A:A028", "01", 5),
		"   0: 0200000A:1538 0300000A:A028 01\n",
	]) {
		const { sockets, flaws } = decode(HEADER + bad + row("0200000A:1539", "0300000A:A028", "01", 6));
		assert.equal(sockets.length, 1, bad);
		assert.deepEqual([flaws.length, flaws[0]?.at], [1, HEADER.length], bad);
	}
});

test("a header alone is an empty table", () => {
	assert.deepEqual(decode(HEADER), { sockets: [], flaws: [] });
});

test("tcp and tcp6 pasted with prose, prompts and log prefixes around; udp is passed over", () => {
	const { sockets, flaws } = decode(
		"here is what we see in the pod:\n" +
			"$ cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp\n" +
			HEADER +
			row("0200000A:1538", "0300000A:A028", "01", 5) +
			`Nov 22 17:43:02 web-1 dump[7]: ${row("0200000A:1539", "0300000A:A028", "08", 6).trim()}\r\n` +
			HEADER.replace("local_address", "local_address                        ") +
			row("0000000000000000FFFF00000100007F:1F90", "0000000000000000FFFF00000100007F:0051", "01", 7) +
			HEADER.replace("inode", "inode ref pointer drops") +
			row("00000000:0044", "00000000:0000", "07", 9) +
			"that is all",
	);
	assert.deepEqual(
		sockets.map(({ state, localPort, inode }) => [state, localPort, inode]),
		[
			["ESTABLISHED", 5432, 5],
			["CLOSE_WAIT", 5433, 6],
			["ESTABLISHED", 8080, 7],
		],
	);
	assert.deepEqual(
		flaws.map(({ kind, at }) => [kind, at]),
		[["malformed", 0]],
	);
});

test("a last row without its newline counts when more follows its inode", () => {
	const whole = row("0200000A:1538", "0300000A:A028", "01", 90210).trimEnd();
	assert.equal(decode(HEADER + whole).sockets[0]?.inode, 90210);
	const cut = decode(HEADER + whole.slice(0, whole.indexOf(" 90210") + 6));
	assert.deepEqual([cut.sockets.length, cut.flaws[0]?.kind], [0, "truncated"]);
});

test("recognition is cheap and knows its own only", () => {
	assert.ok(looksLikeProcNetTcp(`prose\n${row("0200000A:1538", "0300000A:A028", "01", 5)}`));
	assert.ok(looksLikeProcNetTcp(HEADER));
	assert.ok(!looksLikeProcNetTcp("tcp 0 0 10.0.0.1:80 10.0.0.2:5000 ESTABLISHED\n"));
	assert.ok(!looksLikeProcNetTcp(HEADER.replace("inode", "inode ref pointer drops")));
});
