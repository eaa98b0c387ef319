/**
 * The same sockets, recorded in one namespace by the tools people paste from (net-tools 2.10, iproute2 6.1,
 * Linux 6.18): listeners with a live connection, one the server left 123 unread bytes in, and one in
 * TIME_WAIT, over IPv4, IPv6, a link-local and an IPv4-mapped address. /proc/net/tcp is the witness.
 * The files of macOS, illumos and Windows are written after what people posted.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Decoded } from "./decoded.ts";
import type { Socket, SocketTable } from "./sockets.ts";
import { decodeNetstat, looksLikeNetstat } from "./sockets-netstat.ts";
import { decodeProcNetTcp, looksLikeProcNetTcp } from "./sockets-proc-net-tcp.ts";
import { decodeSs, looksLikeSs } from "./sockets-ss.ts";

const FOLDER = new URL("../fixtures/sockets/tools/", import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, FOLDER));
const bytesOf = (text: string) => new TextEncoder().encode(text);

function read(decoded: Decoded<SocketTable>) {
	assert.ok(decoded.kind === "decoded");
	return { sockets: decoded.value.sockets, flaws: decoded.flaws };
}

function rows(sockets: readonly Socket[], ...more: readonly (keyof Socket)[]): string[] {
	return sockets
		.map((s) =>
			[s.state, s.localIp, s.localPort, s.peerIp, s.peerPort, s.recvQ, ...more.map((key) => s[key])].join(
				" ",
			),
		)
		.toSorted();
}

const witness = read(decodeProcNetTcp(fixture("proc-net-tcp.txt"))).sockets;

test("wide netstat and ss with every flag tell what the kernel told, owners too", () => {
	assert.equal(witness.length, 24);
	for (const [name, decode] of [
		["netstat-tanpeoW.txt", decodeNetstat],
		["ss-tunapeim.txt", decodeSs],
	] as const) {
		const { sockets, flaws } = read(decode(fixture(name)));
		assert.deepEqual(flaws, [], name);
		assert.deepEqual(rows(sockets, "inode", "uid"), rows(witness, "inode", "uid"), name);
		for (const { inode, pid, program } of sockets) {
			assert.equal(program, inode === 0 ? undefined : "python3");
			assert.equal(pid !== undefined, inode !== 0);
		}
	}
	const plain = read(decodeSs(fixture("ss-tan.txt")));
	assert.deepEqual([plain.flaws, rows(plain.sockets)], [[], rows(witness)]);
});

test("narrow netstat: what is whole agrees, what is cut is told and never taken for an address", () => {
	const { sockets, flaws } = read(decodeNetstat(fixture("netstat-tanpeo.txt")));
	assert.equal(sockets.length, witness.length);
	assert.match(flaws[0]?.why ?? "", /^addresses are cut.*netstat -W/);
	const isShort = ({ localIp, peerIp }: Socket) => localIp.length < 16 && peerIp.length < 16;
	const listening = ({ peerPort }: Socket) => peerPort === 0;
	const whole = (table: readonly Socket[]) => rows(table.filter((s) => isShort(s) && !listening(s)));
	assert.deepEqual(whole(sockets), whole(witness));
	const known = new Map(witness.map((socket) => [socket.inode, socket]));
	for (const { inode, localPort, peerPort, localIp } of sockets.filter((s) => s.inode !== 0)) {
		const same = known.get(inode);
		assert.deepEqual([localPort, peerPort], [same?.localPort, same?.peerPort]);
		assert.ok(same?.localIp.startsWith(localIp), `${localIp} of ${same?.localIp}`);
	}
});

test("without -n: services are ports, localhost is 127.0.0.1", () => {
	const { sockets } = read(decodeSs(fixture("ss-ta.txt")));
	const ofPostgres = (table: readonly Socket[]) => rows(table.filter((s) => s.peerPort === 5432));
	assert.deepEqual(ofPostgres(sockets), ofPostgres(witness));
	assert.deepEqual(ofPostgres(read(decodeNetstat(fixture("netstat-ta.txt"))).sockets), ofPostgres(witness));
});

test("macOS with -v: owners before and after they were named, scopes, cut and named hosts", () => {
	const { sockets, flaws } = read(decodeNetstat(fixture("netstat-macos.txt")));
	assert.deepEqual(rows(sockets, "pid", "program"), [
		"CLOSE_WAIT 127.0.0.1 5432 127.0.0.1 52144 31  ",
		"CLOSE_WAIT fe80::1 3000 fe80::1 50211 0 70902 ",
		"ESTABLISHED 10.14.0.2 62007 10.37.228.7 5432 0 19111 Codex (Service)",
		"ESTABLISHED 127.0.0.1 9225 127.0.0.1 59644 0 99999 ",
		"ESTABLISHED 192.168.1.48 61776 10.79.104.10 443 0 90095 2.1.251",
		"LISTEN :: 5948 :: 0 0 602 MSP Anywhere Dae",
		"TIME_WAIT 2600:1700:8d0: 49152 2a02:8109:9a80:1 443 0  ",
	]);
	assert.match(flaws[0]?.why ?? "", /^addresses are cut, "2600:1700:8d0:" first/);
});

test("illumos: no protocol, counts behind the ends", () => {
	const { sockets, flaws } = read(decodeNetstat(fixture("netstat-illumos.txt")));
	assert.deepEqual(flaws, []);
	assert.deepEqual(rows(sockets, "sendQ"), [
		"ESTABLISHED 127.0.0.1 5432 127.0.0.1 52144 7 3",
		"LISTEN :: 22 :: 0 0 0",
	]);
});

test("German Windows in code page 850: states, pids, the program below, and that it tells no queues", () => {
	const { sockets, flaws } = read(decodeNetstat(fixture("netstat-windows-de.cp850.txt")));
	assert.deepEqual(rows(sockets, "pid", "program"), [
		"CLOSE_WAIT fe80::1 49154 fe80::2 443 0 4711 ",
		"ESTABLISHED 10.0.0.1 49152 10.0.0.3 5432 0 4711 orders.exe",
		"LISTEN 0.0.0.0 135 0.0.0.0 0 0 1020 ",
		"TIME_WAIT 10.0.0.1 49153 10.0.0.3 5432 0  ",
	]);
	assert.deepEqual(
		flaws.map(({ why }) => why),
		["this netstat tells no queues: unread bytes are not known"],
	);
});

test("ss of old versions and narrow terminals: wrapped rows, old owners, other kinds of sockets; a filter's command", () => {
	const { sockets, flaws } = read(
		decodeSs(
			bytesOf(
				"Netid  State      Recv-Q  Send-Q    Local Address:Port       Peer Address:Port\n" +
					'udp    UNCONN     0       0               0.0.0.0:68              0.0.0.0:*      users:(("dhclient",pid=700,fd=6))\n' +
					'tcp    LISTEN     0       128                   *:22                    *:*      users:(("sshd",pid=900,fd=3),("systemd",pid=1,fd=99))\n' +
					"tcp    ESTAB      0       0       10.0.0.2%eth0:41000\n" +
					'                                          10.0.0.3:postgresql  users:(("my app",pid=4711,fd=9))\n' +
					'tcp    CLOSE-WAIT 1       0      [fe80::1]%eth0:41001  [fe80::2]:https timer:(keepalive,58sec,0) users:(("my app",4711,10))\n' +
					"u_str  ESTAB      0       0      /run/dbus 1234  * 1235\n",
			),
		),
	);
	assert.deepEqual(flaws, []);
	assert.deepEqual(rows(sockets, "pid", "program"), [
		"CLOSE_WAIT fe80::1 41001 fe80::2 443 1 4711 my app",
		"ESTABLISHED 10.0.0.2 41000 10.0.0.3 5432 0 4711 my app",
		"LISTEN :: 22 :: 0 0 900 sshd",
	]);
	const filtered =
		"$ ss -tno state established '( dport = :5432 )'\nRecv-Q Send-Q Local Address:Port  Peer Address:Port\n" +
		"0      0      10.0.0.2:41000      10.0.0.3:5432 timer:(keepalive,12sec,0)\n";
	assert.deepEqual(rows(read(decodeSs(bytesOf(filtered))).sockets), [
		"ESTABLISHED 10.0.0.2 41000 10.0.0.3 5432 0",
	]);
});

test("netstat with users, timers and spaces in names, in German, with unix sockets behind, and OpenBSD's", () => {
	const { sockets } = read(
		decodeNetstat(
			bytesOf(
				"Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name\n" +
					"tcp        0      0 10.0.0.2:41000          10.0.0.3:5432           ESTABLISHED app        90210      4711/orders: worker \n" +
					"tcp        1      0 10.0.0.2:41001          10.0.0.4:postgresql     CLOSE_WAIT  1000       90211      4711/orders         keepalive (58.20/0/0)\n" +
					"tcp        0      0 10.0.0.2:41002          10.0.0.3:5432           VERBUNDEN   -\n" +
					"udp        0      0 0.0.0.0:68              0.0.0.0:*                           0          1         700/dhclient\n" +
					"Active UNIX domain sockets (w/o servers)\n" +
					"Proto RefCnt Flags       Type       State         I-Node   Path\n" +
					"unix  3      [ ]         STREAM     CONNECTED     22222    /run/x\n" +
					"Proto   Recv-Q Send-Q  Local Address          Foreign Address        TCP-State\n" +
					"tcp          0      0  10.0.0.1.22            10.0.0.2.4711          ESTABLISHED\n" +
					"tcp6         0      0  *.80                   *.*                    LISTEN\n",
			),
		),
	);
	assert.deepEqual(rows(sockets, "uid", "inode", "pid", "program"), [
		"CLOSE_WAIT 10.0.0.2 41001 10.0.0.4 5432 1 1000 90211 4711 orders",
		"ESTABLISHED 10.0.0.1 22 10.0.0.2 4711 0 0 0  ",
		"ESTABLISHED 10.0.0.2 41000 10.0.0.3 5432 0 0 90210 4711 orders: worker",
		"ESTABLISHED 10.0.0.2 41002 10.0.0.3 5432 0 0 0  ",
		"LISTEN :: 80 :: 0 0 0 0  ",
	]);
});

test("each table is recognised as what it is, and prose as none", () => {
	const looks = (text: string) =>
		[looksLikeSs(text), looksLikeNetstat(text), looksLikeProcNetTcp(text)].map(Number).join("");
	const expected: readonly (readonly [string, string])[] = [
		["ss-tan.txt", "100"],
		["ss-tunapeim.txt", "100"],
		["ss-ta.txt", "100"],
		["netstat-tanpeo.txt", "010"],
		["netstat-ta.txt", "010"],
		["netstat-macos.txt", "010"],
		["netstat-illumos.txt", "010"],
		["netstat-windows-de.cp850.txt", "010"],
		["proc-net-tcp.txt", "001"],
	];
	for (const [name, wanted] of expected) {
		const text = new TextDecoder().decode(fixture(name));
		assert.equal(looks(text), wanted, name);
		const body = text
			.split("\n")
			.slice(1)
			.filter((line) => !/Proto|Local/.test(line));
		assert.equal(looks(body.join("\n")), wanted, `${name} without its header`);
	}
	assert.equal(looks("tcp connections pile up: see 10.0.0.1:80 for more\nLISTEN to 0 of 3\n"), "000");
	for (const decode of [decodeSs, decodeNetstat, decodeProcNetTcp]) {
		assert.equal(decode(bytesOf("the tcp pool is at 7 of 10\n")).kind, "foreign");
	}
});

test("cut at every byte: no row that was not there, no throw, and the cut is told or costs nothing", () => {
	for (const [name, decode] of [
		["ss-tunapeim.txt", decodeSs],
		["ss-tan.txt", decodeSs],
		["netstat-tanpeoW.txt", decodeNetstat],
		["netstat-macos.txt", decodeNetstat],
		["netstat-windows-de.cp850.txt", decodeNetstat],
	] as const) {
		const bytes = fixture(name);
		const known = new Set(rows(read(decode(bytes)).sockets));
		for (let length = 0; length < bytes.length; length++) {
			const decoded = decode(bytes.subarray(0, length));
			if (decoded.kind === "foreign") continue;
			for (const row of rows(decoded.value.sockets))
				assert.ok(known.has(row), `${name} at ${length}: ${row}`);
		}
	}
});

test("hostile: any text and any bytes give an answer", () => {
	const word = fc.constantFrom(
		..."tcp tcp6 TCP 0 1 99999999999999999999 10.0.0.1:80 [::1]:http *.* *:* fe80::1%.1 ::::. ESTAB LISTEN".split(
			" ",
		),
		...'users:(("a",pid=1,fd=2)) [x.exe] 1/a - off (0.00/0/0) Proto Recv-Q Send-Q \u0000 \ufffd\ufffd \n'.split(
			" ",
		),
		"\n",
		"\n\t",
	);
	fc.assert(
		fc.property(fc.array(word, { maxLength: 60 }), (words) => {
			const bytes = bytesOf(words.join(" "));
			for (const decode of [decodeSs, decodeNetstat, decodeProcNetTcp]) decode(bytes);
		}),
	);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			for (const decode of [decodeSs, decodeNetstat, decodeProcNetTcp]) decode(bytes);
		}),
	);
	const long = bytesOf(`tcp 0 0 ${"9".repeat(1_000_000)}:1 ${"[".repeat(1_000_000)} ESTABLISHED\n`);
	assert.equal(decodeNetstat(long).kind, "foreign");
});

test("one table pasted twice counts once, and is told", () => {
	for (const [name, decode] of [
		["ss-tan.txt", decodeSs],
		["netstat-tanpeoW.txt", decodeNetstat],
	] as const) {
		const text = new TextDecoder().decode(fixture(name));
		const { sockets, flaws } = read(decode(bytesOf(text + text)));
		assert.equal(rows(sockets.filter((s) => s.peerPort !== 0)).length, 20, name);
		assert.match(flaws[0]?.why ?? "", /more than once/);
	}
});
