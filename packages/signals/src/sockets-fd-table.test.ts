import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFdTable, FD_TABLE_HEADER } from "./sockets-fd-table.ts";

function decode(text: string) {
	const decoded = decodeFdTable(new TextEncoder().encode(text));
	assert.ok(decoded.kind === "decoded", `foreign: ${text}`);
	return { byInode: decoded.value.byInode, flaws: decoded.flaws };
}

test("whatever rows are written come out, by inode", () => {
	const anyRow = fc.record({ pid: fc.nat(4_194_304), fd: fc.nat(1_048_576), inode: fc.nat(0xffffffff) });
	fc.assert(
		fc.property(fc.uniqueArray(anyRow, { selector: (row) => row.inode }), (rows) => {
			const text = FD_TABLE_HEADER + rows.map(({ pid, fd, inode }) => `${pid}\t${fd}\t${inode}\n`).join("");
			const { byInode, flaws } = decode(text);
			assert.deepEqual(flaws, []);
			assert.deepEqual(
				[...byInode],
				rows.map(({ pid, fd, inode }) => [inode, { pid, fd }]),
			);
		}),
	);
});

test("a process without sockets is an empty table, not a foreign one", () => {
	assert.deepEqual(decode(FD_TABLE_HEADER), { byInode: new Map(), flaws: [] });
});

test("a shared socket keeps its first holder", () => {
	assert.deepEqual(decode("1\t3\t77\n2\t4\t77\n").byInode.get(77), { pid: 1, fd: 3 });
});

test("hostile: rows of another shape cost themselves only", () => {
	for (const bad of [
		"\t\t\n",
		"1\t2\n",
		"1 2 3\n",
		"-1\t2\t3\n",
		"1\t2\t3\t4\n",
		"99999999999999999999\t1\t2\n",
		"x\n",
	]) {
		const { byInode, flaws } = decode(`${FD_TABLE_HEADER}${bad}5\t6\t7\n`);
		assert.deepEqual([...byInode.keys()], [7], JSON.stringify(bad));
		assert.deepEqual([flaws.length, flaws[0]?.at], [1, FD_TABLE_HEADER.length], JSON.stringify(bad));
	}
});

test("a cut last line is left out and told", () => {
	const { byInode, flaws } = decode("1\t2\t3\n4\t5\t6");
	assert.deepEqual([...byInode.keys()], [3]);
	assert.equal(flaws[0]?.kind, "truncated");
});
