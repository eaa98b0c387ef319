/** A message built by hand; real ones: sock-destroy.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { timeWaitRows } from "./time-wait-rows.ts";

/** 10.0.0.9:40001 to 10.0.0.7:5432 in TIME_WAIT, on interface 3, for another 31 s. */
function message(): Buffer {
	const bytes = Buffer.alloc(88);
	bytes.writeUInt32LE(88, 0);
	bytes.writeUInt16LE(20, 4);
	bytes.set([2, 6, 3, 0], 16);
	bytes.writeUInt16BE(40_001, 20);
	bytes.writeUInt16BE(5432, 22);
	bytes.set([10, 0, 0, 9], 24);
	bytes.set([10, 0, 0, 7], 40);
	bytes.writeUInt32LE(3, 56);
	bytes.writeBigUInt64LE(0x1122334455667788n, 60);
	bytes.writeUInt32LE(31_000, 68);
	return bytes;
}

function done(): Buffer {
	const bytes = Buffer.alloc(20);
	bytes.writeUInt32LE(20, 0);
	bytes.writeUInt16LE(3, 4);
	return bytes;
}

test("a row has its time left, its cookie, and its identity byte for byte", () => {
	const dump = Buffer.concat([message(), done(), done()]);
	const { rows, flaws } = timeWaitRows(dump);
	assert.deepEqual(flaws, []);
	assert.deepEqual(rows, [
		{
			state: 6,
			family: 2,
			localIp: "10.0.0.9",
			localPort: 40_001,
			peerIp: "10.0.0.7",
			peerPort: 5432,
			expiresMs: 31_000,
			cookie: 0x1122334455667788n,
			id: new Uint8Array(message().subarray(20, 68)),
		},
	]);
});

test("a dump cut at any byte gives whole rows or none, and says what is missing", () => {
	const dump = Buffer.concat([message(), done(), message(), done()]);
	for (let length = 0; length < dump.length; length++) {
		const { rows, flaws } = timeWaitRows(dump.subarray(0, length));
		assert.equal(rows.length, Math.floor((length + 20) / 108), `${length}`);
		assert.notEqual(flaws.length, 0);
	}
});
