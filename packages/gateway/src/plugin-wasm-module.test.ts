import assert from "node:assert/strict";
import { before, test } from "node:test";
import { engine } from "./plugin-engine.ts";
import { PluginInstance } from "./plugin-instance.ts";
import { PluginModuleError } from "./plugin-wasm-bytes.ts";
import { FUEL_EXPORT, safeModule } from "./plugin-wasm-module.ts";
import { buildPlugin, pluginSource } from "./testing/build-plugin.ts";

const MEMORY_BYTES_MAX = 16 * 65_536;
const SEED = 20_261_123;
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** One memory of one page, without a maximum. */
const MEMORY = [5, 3, 1, 0, 1];

let plugin: Uint8Array = new Uint8Array(0);
before(async () => {
	plugin = await buildPlugin(pluginSource('return say("continue");'));
});

function moduleOf(...sections: number[][]): Uint8Array {
	return Uint8Array.from([...HEADER, ...sections.flat()]);
}

/** A module of one function, exported as `f`, of the type i64 → i64, with this code. */
function oneFunction(code: readonly number[], locals: readonly number[] = [0]): Uint8Array {
	const body = [...locals, ...code, 0x0b];
	return moduleOf(
		[1, 6, 1, 0x60, 1, 0x7e, 1, 0x7e],
		[3, 2, 1, 0],
		MEMORY,
		[7, 5, 1, 1, 0x66, 0, 0],
		[10, body.length + 2, 1, body.length, ...body],
	);
}

interface Gauged {
	readonly f: (of: bigint) => bigint;
	readonly fuel: { value: bigint };
}

function gauged(bytes: Uint8Array): Gauged {
	const { exports } = new engine.Instance(new engine.Module(safeModule(bytes, MEMORY_BYTES_MAX)), {});
	return { f: exports.f as Gauged["f"], fuel: exports[FUEL_EXPORT] as Gauged["fuel"] };
}

/** while (n != 0) n -= 1; return n */
const COUNT_DOWN = [0x03, 0x40, 0x20, 0, 0x42, 1, 0x7d, 0x22, 0, 0x50, 0x45, 0x0d, 0, 0x0b, 0x20, 0];

test("a loop pays for each turn, and a function for its entry", () => {
	const { f, fuel } = gauged(oneFunction(COUNT_DOWN));
	for (const turns of [1n, 2n, 1000n]) {
		fuel.value = 1_000_000n;
		assert.equal(f(turns), 0n);
		// loop, local.get, end; in the loop eight instructions with its end.
		assert.equal(1_000_000n - fuel.value, 3n + 8n * turns);
	}
	fuel.value = 3n + 8n * 10n;
	assert.equal(f(10n), 0n);
	fuel.value = 3n + 8n * 10n - 1n;
	assert.throws(() => f(10n), /unreachable/);
	assert.ok(fuel.value < 0n);
});

test("filling memory pays for its bytes", () => {
	// memory.fill(0, 0, n); return n
	const { f, fuel } = gauged(oneFunction([0x41, 0, 0x41, 0, 0x20, 0, 0xa7, 0xfc, 11, 0, 0x20, 0]));
	fuel.value = 1_000_000n;
	assert.equal(f(64_000n), 64_000n);
	assert.equal(1_000_000n - fuel.value, 4000n + 7n);
});

test("memory does not grow beyond what is allowed, whatever the module says", () => {
	// return memory.grow(n)
	const { f, fuel } = gauged(oneFunction([0x20, 0, 0xa7, 0x40, 0, 0xac]));
	fuel.value = 1000n;
	assert.equal(f(15n), 1n);
	assert.equal(f(1n), -1n);
});

const REFUSED = [
	{ flaw: "no module", bytes: Uint8Array.from([1, 2, 3]), why: /no valid WebAssembly/ },
	{ flaw: "no memory", bytes: moduleOf(), why: /no memory of its own/ },
	{
		flaw: "too much memory to begin with",
		bytes: moduleOf([5, 3, 1, 0, 17]),
		why: /1114112 bytes of memory/,
	},
	{ flaw: "shared memory", bytes: moduleOf([5, 4, 1, 3, 1, 2]), why: /shared memory/ },
	{
		flaw: "an import of something else",
		bytes: moduleOf([1, 4, 1, 0x60, 0, 0], [2, 7, 1, 1, 0x61, 1, 0x62, 0, 0], MEMORY),
		why: /it wants "a.b"/,
	},
	{ flaw: "a large table", bytes: moduleOf([4, 6, 1, 0x70, 0, 0xa0, 0x8d, 6], MEMORY), why: /65536 entries/ },
	{
		flaw: "SIMD",
		bytes: oneFunction([0x41, 0, 0xfd, 0x0f, 0x1a, 0x20, 0]),
		why: /instruction 0xfd is not supported/,
	},
	{ flaw: "a tail call", bytes: oneFunction([0x20, 0, 0x12, 0]), why: /instruction 0x12 is not supported/ },
] as const;

for (const { flaw, bytes, why } of REFUSED) {
	test(`refused: ${flaw}`, () => {
		assert.throws(
			() => safeModule(bytes, MEMORY_BYTES_MAX),
			(error) => error instanceof PluginModuleError && why.test(error.message),
		);
	});
}

test("a module that lacks an export, or is of another version, is refused", () => {
	const open = (bytes: Uint8Array) =>
		new PluginInstance(
			new engine.Module(safeModule(bytes, MEMORY_BYTES_MAX)),
			{ cpuMsMax: 1, config: "" },
			() => {},
		);
	assert.throws(() => open(moduleOf(MEMORY)), /plumbline_abi_version\(\) must be 1, not undefined/);
});

/** Whatever is made of it: it is refused by name, or it makes a module that is sound and stops. */
function survives(bytes: Uint8Array): boolean {
	let safe: Uint8Array<ArrayBuffer>;
	try {
		safe = safeModule(bytes, MEMORY_BYTES_MAX);
	} catch (error) {
		assert.ok(error instanceof PluginModuleError, String(error));
		return false;
	}
	assert.ok(engine.validate(safe), "it was made unsound");
	try {
		const instance = new PluginInstance(new engine.Module(safe), { cpuMsMax: 1, config: "x" }, () => {});
		for (let asked = 0; asked < 2; asked++) instance.call("onRequest", "GET /\nhttp - -");
	} catch (error) {
		assert.ok(error instanceof PluginModuleError, String(error));
	}
	return true;
}

test("a module cut short at any byte is refused or sound", () => {
	for (let end = 0; end < plugin.length; end += 7) survives(plugin.subarray(0, end));
	assert.ok(survives(plugin));
});

test("3000 modules with bytes changed by chance are refused or sound, and all of them stop", () => {
	let state = SEED;
	const below = (end: number) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((state / 2 ** 32) * end);
	};
	let sound = 0;
	for (let made = 0; made < 3000; made++) {
		const changed = Uint8Array.from(plugin);
		for (let change = below(3); change >= 0; change--) changed[8 + below(changed.length - 8)] = below(256);
		if (survives(changed)) sound++;
	}
	assert.ok(sound > 100, `${sound} were sound`);
});
