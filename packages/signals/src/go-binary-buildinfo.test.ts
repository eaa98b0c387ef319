import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILDINFO_MAGIC, decodeGoBuildinfo, lengthOfBuildinfo } from "./go-binary-buildinfo.ts";

const SENTINEL = new Uint8Array(16).fill(0x30);
const MODINFO = [
	"path\texample.com/orders/cmd/orders",
	"mod\texample.com/orders\t(devel)\t",
	"dep\tgithub.com/jackc/pgx/v5\tv5.7.2\th1:abc=",
	"dep\tgorm.io/gorm\tv1.25.12\th1:def=",
	"=>\texample.com/fork/gorm\tv1.25.13\th1:ghi=",
	"dep\texample.com/local\tv0.0.0",
	"=>\t../local\t",
	"build\t-trimpath=true",
	'build\t-tags="a,b \\"c\\""',
	"build\tCGO_CFLAGS=",
	"build\t__proto__=x",
	"",
].join("\n");

function withVarint(bytes: Uint8Array): number[] {
	const length: number[] = [];
	let left = bytes.length;
	do {
		length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
		left >>>= 7;
	} while (left > 0);
	return [...length, ...bytes];
}

function buildinfo(version: string, modinfo: string, flags = 2): Uint8Array {
	const text = new TextEncoder();
	const head = new Uint8Array(32);
	head.set(BUILDINFO_MAGIC);
	head.set([8, flags], 14);
	const inner = modinfo === "" ? [] : [...SENTINEL, ...text.encode(modinfo), ...SENTINEL];
	return new Uint8Array([...head, ...withVarint(text.encode(version)), ...withVarint(new Uint8Array(inner))]);
}

function decode(bytes: Uint8Array) {
	const decoded = decodeGoBuildinfo(bytes);
	assert.ok(decoded.kind === "decoded");
	return decoded;
}

test("version, modules with replacements, settings", () => {
	const { value, flaws } = decode(buildinfo("go1.26.8", MODINFO));
	assert.deepEqual(flaws, []);
	assert.equal(value.goVersion, "go1.26.8");
	assert.deepEqual(value.main, { path: "example.com/orders", version: "(devel)" });
	assert.deepEqual(value.modules, [
		{ path: "github.com/jackc/pgx/v5", version: "v5.7.2" },
		{ path: "gorm.io/gorm", version: "v1.25.13" },
		{ path: "example.com/local", version: "" },
	]);
	assert.deepEqual(Object.entries(value.settings), [
		["-trimpath", "true"],
		["-tags", 'a,b "c"'],
		["CGO_CFLAGS", ""],
		["__proto__", "x"],
	]);
});

test("a program built without modules has a version and nothing else", () => {
	assert.deepEqual(decode(buildinfo("go1.22.12", "")).value, {
		goVersion: "go1.22.12",
		modules: [],
		settings: {},
	});
});

test("the pointer form before Go 1.18 is told as such", () => {
	const { value, flaws } = decode(buildinfo("", "", 0));
	assert.equal(value.goVersion, "");
	assert.match(flaws[0]?.why ?? "", /before Go 1\.18/);
});

test("cut at every byte it keeps what is whole and tells the cut", () => {
	const bytes = buildinfo("go1.26.8", MODINFO);
	for (let length = BUILDINFO_MAGIC.length + 2; length < bytes.length; length++) {
		const { value, flaws } = decode(bytes.subarray(0, length));
		assert.equal(flaws.at(-1)?.kind, "truncated", String(length));
		assert.ok("go1.26.8".startsWith(value.goVersion));
	}
	assert.equal(decodeGoBuildinfo(bytes.subarray(0, 10)).kind, "foreign");
});

test("hostile: lengths that are endless, huge or odd", () => {
	const head = buildinfo("", "").subarray(0, 32);
	const endless = decode(new Uint8Array([...head, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]));
	assert.match(endless.flaws[0]?.why ?? "", /longer than five bytes/);
	const huge = decode(new Uint8Array([...head, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x67]));
	assert.match(huge.flaws[0]?.why ?? "", /cut short after 1/);
	const orphan = decode(buildinfo("go1.26", '=>\tx\tv1\nbuild\t=\nbuild\t-tags="open\n'));
	assert.match(orphan.flaws[0]?.why ?? "", /replaces nothing/);
	assert.equal(orphan.value.settings["-tags"], '"open');
});

test("what lies behind the build info is not counted to it", () => {
	const bytes = buildinfo("go1.26.8", MODINFO);
	const followed = new Uint8Array([...bytes, ...new TextEncoder().encode("the program's data")]);
	assert.equal(lengthOfBuildinfo(followed), bytes.length);
	assert.equal(lengthOfBuildinfo(bytes.subarray(0, 40)), 40);
});
