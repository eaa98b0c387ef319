/** Records of tracefs by the places a kernel's format names, here those of 6.18. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventReader } from "./tcp-life-tracefs.ts";
import { expectRead } from "./testing/bpf-live.ts";
import { parseTraceFormat, type TraceFormat } from "./tracefs-records.ts";

const ID = 2287;
const OURS = 4712;
const FORMAT = `name: inet_sock_set_state
ID: ${ID}
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:int oldstate;	offset:16;	size:4;	signed:1;
	field:int newstate;	offset:20;	size:4;	signed:1;
	field:__u16 sport;	offset:24;	size:2;	signed:0;
	field:__u16 dport;	offset:26;	size:2;	signed:0;
	field:__u16 family;	offset:28;	size:2;	signed:0;
	field:__u16 protocol;	offset:30;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
	field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
	field:__u8 saddr_v6[16];	offset:40;	size:16;	signed:0;
	field:__u8 daddr_v6[16];	offset:56;	size:16;	signed:0;
`;
const SOFT_INTERRUPT = 0x10;
const PREEMPTED = 0x04;

interface Told {
	readonly to?: number;
	readonly flags?: number;
	readonly thread?: number;
	readonly family?: number;
}

function formatOf(text: string): TraceFormat {
	return parseTraceFormat(text) ?? assert.fail("no format");
}

function record({ to = 2, flags = 0, thread = OURS, family = 2 }: Told): Buffer {
	const bytes = Buffer.alloc(72);
	bytes.writeUInt16LE(ID, 0);
	bytes.writeUInt8(flags, 2);
	bytes.writeInt32LE(thread, 4);
	bytes.writeBigUInt64LE(0xffff_8881_0000_0040n, 8);
	bytes.writeInt32LE(7, 16);
	bytes.writeInt32LE(to, 20);
	bytes.writeUInt16LE(40_001, 24);
	bytes.writeUInt16LE(8080, 26);
	bytes.writeUInt16LE(family, 28);
	bytes.write("0a0000070a000009", 32, "hex");
	bytes.write("20010db800000000000000000000000700000000000000000000ffff0a000009", 40, "hex");
	return bytes;
}

const readEvent = expectRead(eventReader(formatOf(FORMAT), (thread) => thread === OURS));

test("a change arrives as it was, of IPv4 and of IPv6", () => {
	const change = {
		sk: 0xffff_8881_0000_0040n,
		from: 7,
		to: 2,
		isByUs: true,
		localIp: "10.0.0.7",
		localPort: 40_001,
		peerIp: "10.0.0.9",
		peerPort: 8080,
		timeNs: 12_345n,
	};
	assert.deepEqual(readEvent(record({}), 12_345n), change);
	const v6 = { ...change, localIp: "2001:db8::7" };
	assert.deepEqual(readEvent(record({ family: 10 }), 12_345n), v6);
});

test("ours is only what is entered by a call, by our thread, in no interrupt", () => {
	const byUs = (told: Told) => readEvent(record(told), 0n)?.isByUs;
	assert.deepEqual(
		[1, 2, 4, 7, 8, 9].map((to) => byUs({ to })),
		[false, true, true, false, false, true],
	);
	assert.equal(byUs({ thread: 99 }), false);
	assert.equal(byUs({ flags: SOFT_INTERRUPT }), false);
	assert.equal(byUs({ flags: PREEMPTED }), true);
});

test("another event, a record cut short and a state that does not exist are none", () => {
	const whole = record({});
	for (let length = 0; length < whole.length; length++) {
		assert.equal(readEvent(whole.subarray(0, length), 0n), undefined, `${length}`);
	}
	assert.equal(readEvent(record({ to: 77 }), 0n), undefined);
	whole.writeUInt16LE(ID + 1, 0);
	assert.equal(readEvent(whole, 0n), undefined);
});

test("a kernel whose event lacks a field is refused by the field's name", () => {
	const older = formatOf(FORMAT.replace("skaddr", "sk"));
	const refusal = eventReader(older, () => true);
	assert.ok(refusal.kind === "refused");
	assert.match(refusal.why, /has no skaddr of 8 bytes/);
});
