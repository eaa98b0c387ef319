/** What people paste, made here and now: ss and netstat with many flags against netlink, on a holder's sockets. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { Decoded } from "@plumbline/signals/decoded";
import type { Socket, SocketTable } from "@plumbline/signals/sockets";
import { decodeNetstat } from "@plumbline/signals/sockets-netstat";
import { decodeProcNetTcp } from "@plumbline/signals/sockets-proc-net-tcp";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import { decodeSs } from "@plumbline/signals/sockets-ss";
import { dumpSockets } from "./sock-diag.ts";
import { holdSockets } from "./testing/socket-holder.ts";

const ROWS_MAX = 1_000_000;
const OUTPUT_BYTES_MAX = 1 << 28;

type Decode = (bytes: Uint8Array) => Decoded<SocketTable>;
const SS: readonly string[] = ["-tan", "-tanp", "-tanpoeim", "-tunap", "-Htan", "-aetO", "-an -A tcp"];
const NETSTAT: readonly string[] = ["-tan", "-tanp", "-tanpeo", "-tanW", "-an", "-nap --tcp"];
const COMMANDS: readonly (readonly [string, readonly string[], Decode])[] = [
	["ss", SS, decodeSs],
	["netstat", NETSTAT, decodeNetstat],
	["cat", ["/proc/net/tcp /proc/net/tcp6", "/proc/net/udp /proc/net/tcp /proc/net/tcp6"], decodeProcNetTcp],
];

function rows(sockets: readonly Socket[], ports: readonly number[]): string[] {
	return sockets
		.filter((s) => ports.includes(s.localPort) || ports.includes(s.peerPort))
		.map((s) => `${s.state} ${s.localIp} ${s.localPort} ${s.peerIp} ${s.peerPort} ${s.recvQ}`)
		.toSorted();
}

for (const [command, flagSets, decode] of COMMANDS) {
	test(`${command} with any flags shows the same sockets as netlink`, async (t) => {
		if (spawnSync(command, ["--version"]).error !== undefined) {
			t.skip(`missing tool: ${command}`);
			return;
		}
		const holder = await holdSockets("ours");
		t.after(holder.end);
		const dump = await dumpSockets({ rowsMax: ROWS_MAX });
		assert.ok(dump.kind === "read");
		const wanted = decodeSockDiag(dump.value.bytes);
		assert.ok(wanted.kind === "decoded");
		const expected = rows(wanted.value.sockets, holder.ports);
		for (const flags of flagSets) {
			const run = spawnSync(command, flags.split(" "), {
				env: { ...process.env, LC_ALL: "C" },
				maxBuffer: OUTPUT_BYTES_MAX,
			});
			const decoded = decode(run.stdout);
			assert.ok(decoded.kind === "decoded", `${command} ${flags}`);
			assert.deepEqual(rows(decoded.value.sockets, holder.ports), expected, `${command} ${flags}`);
			const own = decoded.value.sockets.filter(({ pid }) => pid === holder.pid);
			if (/^-\w*p/.test(flags)) assert.ok(own.length > 0, `${command} ${flags} names the holder`);
		}
	});
}
