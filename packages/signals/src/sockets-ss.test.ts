import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSs } from "./sockets-ss.ts";

function decode(text: string) {
	const decoded = decodeSs(new TextEncoder().encode(text));
	assert.ok(decoded.kind === "decoded", `foreign: ${text}`);
	return { sockets: decoded.value.sockets, flaws: decoded.flaws };
}

test("ss -tanp as people paste it: header, owners, Windows line ends", () => {
	const { sockets, flaws } = decode(
		"State     Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\r\n" +
			'LISTEN    0      128    127.0.0.1:5432      0.0.0.0:*    users:(("postgres",pid=9,fd=6))\r\n' +
			'CLOSE-WAIT 1     0      10.0.0.2:41000     10.0.0.3:5432 users:(("orders",pid=4711,fd=9))\r\n',
	);
	assert.deepEqual(flaws, []);
	assert.deepEqual(
		sockets.map(({ state, recvQ, localPort, peerIp, peerPort }) => [
			state,
			recvQ,
			localPort,
			peerIp,
			peerPort,
		]),
		[
			["LISTEN", 0, 5432, "0.0.0.0", 0],
			["CLOSE_WAIT", 1, 41000, "10.0.0.3", 5432],
		],
	);
});

test("all states in ss's spelling", () => {
	const names =
		"ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT UNCONN CLOSE-WAIT LAST-ACK LISTEN CLOSING";
	const rows = names.split(" ").map((name, i) => `${name} 0 0 10.0.0.1:1 10.0.0.2:${i + 2} \n`);
	assert.deepEqual(
		decode(rows.join("")).sockets.map((socket) => socket.state),
		[
			"ESTABLISHED",
			"SYN_SENT",
			"SYN_RECV",
			"FIN_WAIT1",
			"FIN_WAIT2",
			"TIME_WAIT",
			"CLOSE",
			"CLOSE_WAIT",
			"LAST_ACK",
			"LISTEN",
			"CLOSING",
		],
	);
});

test("without a State column the command line, the timer or the peer tells", () => {
	const row = "0      0      10.0.0.2:41000     10.0.0.3:5432 \n";
	assert.equal(
		decode(`$ ss -tan state close-wait\nRecv-Q Send-Q Local\n${row}`).sockets[0]?.state,
		"CLOSE_WAIT",
	);
	assert.equal(decode(`${row.trim()} timer:(timewait,12sec,0) ino:0\n`).sockets[0]?.state, "TIME_WAIT");
	assert.equal(decode("0 128 *:8080 *:* \n").sockets[0]?.state, "LISTEN");
	const { sockets, flaws } = decode(row);
	assert.equal(sockets.length, 0);
	assert.match(flaws[0]?.why ?? "", /names no state.*ss -tan/);
});

test("a Netid column and log prefixes are seen through", () => {
	const { sockets } = decode(
		"tcp   ESTAB 0 0 10.0.0.1:80 10.0.0.2:5000 \n" +
			"2026-01-02T03:04:05Z stdout F ESTAB 0 3 10.0.0.1:80 10.0.0.2:5001 ino:12\n",
	);
	assert.deepEqual(
		sockets.map(({ state, sendQ, inode }) => [state, sendQ, inode]),
		[
			["ESTABLISHED", 0, 0],
			["ESTABLISHED", 3, 12],
		],
	);
});

test("details on a line of their own (-i without -O) go to the row above", () => {
	const { sockets } = decode(
		"ESTAB 0 0 10.0.0.1:80 10.0.0.2:5000 uid:1000 ino:77 sk:1f\n" +
			"\t cubic rto:204 rtt:0.25/0.1 retrans:0/3 bytes_acked:18446744073709551615 lastsnd:5 lastack:9\n",
	);
	assert.deepEqual(sockets[0]?.tcpInfo, {
		lastDataSentMs: 5,
		lastDataRecvMs: 0,
		lastAckRecvMs: 9,
		rttUs: 250,
		totalRetrans: 3,
		bytesAcked: 18446744073709551615n,
		bytesReceived: 0n,
	});
	assert.equal(sockets[0]?.cookie, 0x1fn);
});

test("names instead of numbers: known services are ports, hosts stay names, others are a flaw that says what to do", () => {
	const { sockets, flaws } = decode(
		"ESTAB 0 0 10.0.0.1:49152 db-1.internal:postgresql \n" +
			"ESTAB 0 0 10.0.0.1:49153 db-1.internal:https \n" +
			"ESTAB 0 0 10.0.0.1:49154 10.0.0.2:unheard-of \n",
	);
	assert.deepEqual(
		sockets.map(({ peerIp, peerPort }) => [peerIp, peerPort]),
		[
			["db-1.internal", 5432],
			["db-1.internal", 443],
		],
	);
	assert.match(flaws[0]?.why ?? "", /by name, "db-1.internal"/);
	assert.match(flaws[1]?.why ?? "", /ss -n.*10\.0\.0\.2:unheard-of/);
	assert.equal(flaws.length, 2);
});

test("hostile: ports, counts and cookies out of range", () => {
	for (const row of [
		"ESTAB 0 0 10.0.0.1:70000 10.0.0.2:2 ",
		"ESTAB 0 0 10.0.0.1:-1 10.0.0.2:2 ",
		"ESTAB 0 0 [::1::2]:80 10.0.0.2:2 ",
	]) {
		assert.equal(decode(`${row}\n`).flaws.length, 1, row);
	}
	const { sockets } = decode(
		"ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 uid:x ino:99999999999999999999 sk:xyz rtt:nan\n",
	);
	assert.equal(sockets[0]?.cookie, undefined);
	assert.equal(sockets[0]?.uid, 0);
	assert.equal(sockets[0]?.tcpInfo?.rttUs, 0);
});

test("a last line without newline: columns are trusted, a cut peer is not", () => {
	const start = "LISTEN 0 128 0.0.0.0:80 0.0.0.0:* \n";
	const bare = decode(`${start}ESTAB 0 0 10.0.0.1:80 10.0.0.2:54`);
	assert.deepEqual([bare.sockets.length, bare.flaws[0]?.kind], [1, "truncated"]);
	const detailed = decode(`${start}ESTAB 0 0 10.0.0.1:80 10.0.0.2:543 uid:7 ino:12`);
	assert.deepEqual([detailed.sockets[1]?.uid, detailed.sockets[1]?.inode], [7, 0]);
	assert.equal(detailed.flaws[0]?.kind, "malformed");
});

test("a header alone is an empty table", () => {
	assert.deepEqual(decode("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"), {
		sockets: [],
		flaws: [],
	});
});
