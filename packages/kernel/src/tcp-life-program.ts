/**
 * The BPF program that tells the kernel's changes of TCP state, and its records. Pure: numbers in, bytes out, and
 * back. It runs on the tracepoint inet_sock_set_state, whose arguments are the socket, its old and its new state.
 *
 * ```
 * record, 64 bytes: u64 time in ns · u64 socket's address · u8 old state · u8 new state · u8 1: by our process · u8 0
 *                   u16 family · u16 local port, big-endian · u16 peer's port, big-endian · 6 bytes 0
 *                   16 bytes local address · 16 bytes peer's address; of IPv4 the first four
 * ```
 * Who runs is asked only for `CALLED_STATES`, where it is who called: the process's number in its own pid
 * namespace, so it works from within a container too. Events without room are counted in the one entry of an
 * array. Nobody is woken: the reader comes by itself.
 *
 * With the kernel's types (BTF) the program reads the socket by plain loads the verifier has checked; without
 * them by probe_read_kernel, from places that are those of 6.18 and, not tried here, of all since 4.16 wherever CONFIG_NET_NS and
 * CONFIG_IPV6 are set on 64 bits. Then the protocol and the network namespace are out of reach, so sockets of
 * MPTCP and SCTP count as TCP, and an accepted connection of another namespace with the same addresses and ports
 * as one of ours may be taken for ours; and one from before the trace that ends by a reset is not
 * recognised, for by then it has lost its number of port.
 */
import { AddressTexts } from "@plumbline/signals/sockets-address";
import { TCP_STATES } from "@plumbline/signals/sockets-states";
import { BpfAssembler, type BpfRegister, type BpfWidth } from "./bpf-assembler.ts";
import type { KernelTypes } from "./bpf-btf.ts";
import { type Reading, read, refused } from "./reading.ts";
import { CALLED_STATES, COUNTED_STATES, type StateChange } from "./tcp-life-events.ts";

/** Where a socket keeps what is read of it, in bytes from its address. */
export interface SocketLayout {
	readonly family: number;
	readonly localIp4: number;
	readonly peerIp4: number;
	readonly localIp6: number;
	readonly peerIp6: number;
	readonly peerPort: number;
	/** Host byte order; 0 once it is closed. */
	readonly localPort: number;
	/** What only the kernel's types tell. */
	readonly typed?: {
		readonly protocol: number;
		/** Big-endian, and kept to the end. Behind what the verifier knows of the argument. */
		readonly localPort: number;
		/** Pointer to the network namespace, and in that its number. */
		readonly network: number;
		readonly networkNumber: number;
	};
}

export const UNTYPED_LAYOUT: SocketLayout = {
	peerIp4: 0,
	localIp4: 4,
	peerPort: 12,
	localPort: 14,
	family: 16,
	peerIp6: 56,
	localIp6: 72,
};

export function typedLayout({ fieldOffset }: KernelTypes): Reading<SocketLayout> {
	const missing: string[] = [];
	const at = (struct: string, field: string) => {
		const offset = fieldOffset(struct, field);
		if (offset === undefined) missing.push(`${struct}.${field}`);
		return offset ?? 0;
	};
	const layout = {
		peerIp4: at("sock_common", "skc_daddr"),
		localIp4: at("sock_common", "skc_rcv_saddr"),
		peerPort: at("sock_common", "skc_dport"),
		localPort: at("sock_common", "skc_num"),
		family: at("sock_common", "skc_family"),
		peerIp6: at("sock_common", "skc_v6_daddr"),
		localIp6: at("sock_common", "skc_v6_rcv_saddr"),
		typed: {
			protocol: at("sock", "sk_protocol"),
			localPort: at("inet_sock", "inet_sport"),
			network: at("sock_common", "skc_net"),
			networkNumber: at("net", "ns") + at("ns_common", "inum"),
		},
	};
	if (missing.length === 0) return read(layout);
	return refused("unsupported", `this kernel's types have no ${missing.join(", ")}`);
}

/** The process whose calls are told from others', by names that hold in every namespace. */
export interface TracedProcess {
	/** Its number in its own pid namespace. */
	readonly pid: number;
	/** That namespace's file: device and inode. */
	readonly pidNamespace: { readonly device: bigint; readonly inode: bigint };
	/** Inode of its network namespace. */
	readonly network: bigint;
}

export interface TcpProgramPlan {
	readonly layout: SocketLayout;
	readonly process: TracedProcess;
	/** Descriptors of the ring buffer, and of an array with one entry of 8 bytes. */
	readonly ring: number;
	readonly lost: number;
}

const RECORD_BYTES = 64;
const AT = { time: 0, sk: 8, from: 16, to: 17, isByUs: 18, family: 20, localPort: 22, peerPort: 24 } as const;
const AT_LOCAL_IP = 32;
const AT_PEER_IP = 48;
/** On the stack: the record, and below it 8 bytes for what helpers write. */
const RECORD = -RECORD_BYTES;
const SCRATCH = RECORD - 8;
const WIDTH_BYTES = { b: 1, h: 2, w: 4, dw: 8 } as const;
const TCP = 6;
const FAMILY_V4 = 2;
/** BPF_RB_NO_WAKEUP */
const NO_WAKEUP = 1;

/** r6: the socket, r7: old state, r8: new state; r9: what is compared just now. */
export function tcpProgram({ layout, process, ring, lost }: TcpProgramPlan): Uint8Array {
	const a = new BpfAssembler();
	const { typed } = layout;
	const probe = (width: BpfWidth, to: BpfRegister, offset: number) => {
		a.move("r1", "r10").alu("add", "r1", SCRATCH).move("r2", WIDTH_BYTES[width]);
		a.move("r3", "r6").alu("add", "r3", offset).call("probe_read_kernel").load(width, to, "r10", SCRATCH);
	};
	/** May lose r0 to r5. */
	const fetch = (width: BpfWidth, to: BpfRegister, offset: number) => {
		if (typed === undefined) probe(width, to, offset);
		else a.load(width, to, "r6", offset);
	};
	const put = (width: BpfWidth, at: number, value: BpfRegister | number) =>
		a.store(width, "r10", RECORD + at, value);
	const copy = (width: BpfWidth, from: number, at: number) => {
		fetch(width, "r9", from);
		put(width, at, "r9");
	};

	a.load("dw", "r6", "r1", 0).load("dw", "r7", "r1", 8).load("dw", "r8", "r1", 16);
	a.alu("and", "r7", 0xff).alu("and", "r8", 0xff);
	for (const state of COUNTED_STATES) a.jump("jeq", "r8", state, "counted");
	a.goto("end").label("counted");
	if (typed !== undefined) {
		a.load("h", "r9", "r6", typed.protocol).jump("jne", "r9", TCP, "end");
		a.load("dw", "r9", "r6", typed.network).load("w", "r9", "r9", typed.networkNumber);
		a.loadImmediate64("r1", process.network).jump("jne", "r9", "r1", "end");
	}

	a.call("ktime_get_ns");
	put("dw", AT.time, "r0");
	put("dw", AT.sk, "r6");
	for (let at = AT.from; at < RECORD_BYTES; at += 8) put("dw", at, 0);
	put("b", AT.from, "r7");
	put("b", AT.to, "r8");
	copy("h", layout.peerPort, AT.peerPort);
	if (typed !== undefined) {
		probe("h", "r9", typed.localPort);
	} else {
		fetch("h", "r9", layout.localPort);
		a.move("r1", "r9").alu("rsh", "r1", 8).alu("lsh", "r9", 8).alu("or", "r9", "r1");
	}
	put("h", AT.localPort, "r9");

	copy("h", layout.family, AT.family);
	a.jump("jeq", "r9", FAMILY_V4, "v4");
	for (const half of [0, 8]) {
		copy("dw", layout.localIp6 + half, AT_LOCAL_IP + half);
		copy("dw", layout.peerIp6 + half, AT_PEER_IP + half);
	}
	a.goto("who").label("v4");
	copy("w", layout.localIp4, AT_LOCAL_IP);
	copy("w", layout.peerIp4, AT_PEER_IP);

	a.label("who");
	for (const state of CALLED_STATES) a.jump("jeq", "r8", state, "called");
	a.goto("write").label("called");
	// It answers two u32, the thread's number and the process's, or fails for a process of another pid namespace.
	a.loadImmediate64("r1", process.pidNamespace.device).loadImmediate64("r2", process.pidNamespace.inode);
	a.move("r3", "r10").alu("add", "r3", SCRATCH).move("r4", 8).call("get_ns_current_pid_tgid");
	a.jump("jne", "r0", 0, "write");
	a.load("w", "r9", "r10", SCRATCH + 4).jump("jne", "r9", process.pid, "write");
	put("b", AT.isByUs, 1);

	a.label("write").loadMap("r1", ring).move("r2", "r10").alu("add", "r2", RECORD);
	a.move("r3", RECORD_BYTES).move("r4", NO_WAKEUP).call("ringbuf_output").jump("jeq", "r0", 0, "end");
	a.store("w", "r10", SCRATCH, 0).loadMap("r1", lost).move("r2", "r10").alu("add", "r2", SCRATCH);
	a.call("map_lookup_elem").jump("jeq", "r0", 0, "end").move("r1", 1).atomicAdd("dw", "r0", 0, "r1");
	return a.label("end").move("r0", 0).exit().build();
}

/** Undefined for what is no record of the program. */
export function tcpRecordReader(): (record: Uint8Array) => StateChange | undefined {
	const texts = new AddressTexts();
	return (record) => {
		if (record.length !== RECORD_BYTES) return undefined;
		const view = new DataView(record.buffer, record.byteOffset, RECORD_BYTES);
		const from = view.getUint8(AT.from);
		const to = view.getUint8(AT.to);
		if (TCP_STATES[from] === undefined || TCP_STATES[to] === undefined) return undefined;
		const isV4 = view.getUint16(AT.family, true) === FAMILY_V4;
		const address = (at: number) => {
			const word = (i: number) => view.getUint32(at + i * 4);
			return isV4 ? texts.v4(word(0)) : texts.v6(word(0), word(1), word(2), word(3));
		};
		return {
			sk: view.getBigUint64(AT.sk, true),
			from,
			to,
			isByUs: view.getUint8(AT.isByUs) === 1,
			localIp: address(AT_LOCAL_IP),
			localPort: view.getUint16(AT.localPort),
			peerIp: address(AT_PEER_IP),
			peerPort: view.getUint16(AT.peerPort),
			timeNs: view.getBigUint64(AT.time, true),
		};
	};
}
