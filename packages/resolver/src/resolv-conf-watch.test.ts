import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	mkdirSync,
	mkdtempSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ResolvConfEvent, type ResolvConfWatchOptions, watchResolvConf } from "./resolv-conf-watch.ts";
import { trustList } from "./trust.ts";

/** Never, as far as a test is concerned: what is seen was heard of. */
const NEVER_MS = 3_600_000;

function folder(t: TestContext): string {
	const path = mkdtempSync(join(tmpdir(), "plumbline-resolv-"));
	t.after(() => rmSync(path, { recursive: true }));
	return path;
}

/** Events one after the other; each waits until it comes. */
function watched(t: TestContext, path: string, options: Partial<ResolvConfWatchOptions> = {}) {
	const list = trustList(["10.96.0.10", "192.0.2.0/24"]);
	assert.ok(list.kind === "trust");
	const events: ResolvConfEvent[] = [];
	let wake = () => {};
	const onEvent = (event: ResolvConfEvent) => {
		events.push(event);
		wake();
	};
	const watch = watchResolvConf({
		path,
		trust: list.trust,
		onEvent,
		settleMs: 5,
		pollMs: NEVER_MS,
		...options,
	});
	// What is not alive by itself would let the test end before its event.
	const alive = setInterval(() => {}, NEVER_MS);
	t.after(() => {
		clearInterval(alive);
		watch.close();
	});
	return async () => {
		while (events.length === 0)
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		return events.shift();
	};
}

function servers(event: ResolvConfEvent | undefined): string {
	if (event?.kind === "read") return `read ${event.facts.nameservers}; strangers ${event.strangers}`;
	if (event?.kind === "changed") return `+${event.added} -${event.removed}; strangers ${event.strangers}`;
	return event?.why ?? "";
}

test("another server, a stranger, other options, and nothing for a comment", async (t) => {
	const path = join(folder(t), "resolv.conf");
	writeFileSync(path, "nameserver 10.96.0.10\n");
	const next = watched(t, path);
	assert.equal(servers(await next()), "read 10.96.0.10; strangers ");
	appendFileSync(path, "nameserver 203.0.113.66\n");
	const changed = await next();
	assert.equal(servers(changed), "+203.0.113.66 -; strangers 203.0.113.66");
	assert.ok(changed?.kind === "changed");
	assert.deepEqual(changed.before.nameservers, ["10.96.0.10"]);
	assert.deepEqual(changed.after.nameservers, ["10.96.0.10", "203.0.113.66"]);
	appendFileSync(path, "# only a comment\n");
	appendFileSync(path, "options ndots:5\n");
	const options = await next();
	assert.ok(options?.kind === "changed");
	assert.deepEqual([options.added, options.removed, options.after.ndots], [[], [], 5]);
	writeFileSync(path, "nameserver 192.0.2.9\n");
	assert.equal(servers(await next()), "+192.0.2.9 -10.96.0.10,203.0.113.66; strangers ");
});

test("a file put in its place by a rename, again and again", async (t) => {
	const place = folder(t);
	const path = join(place, "resolv.conf");
	writeFileSync(path, "nameserver 192.0.2.1\n");
	const next = watched(t, path);
	await next();
	for (let turn = 2; turn < 9; turn++) {
		writeFileSync(join(place, "new"), `nameserver 192.0.2.${turn}\n`);
		renameSync(join(place, "new"), path);
		assert.equal(servers(await next()), `+192.0.2.${turn} -192.0.2.${turn - 1}; strangers `);
	}
});

test("the ..data of a Kubernetes volume swapped", async (t) => {
	const place = folder(t);
	const version = (name: string, text: string) => {
		mkdirSync(join(place, name));
		writeFileSync(join(place, name, "resolv.conf"), text);
		symlinkSync(name, join(place, "..data_tmp"));
		renameSync(join(place, "..data_tmp"), join(place, "..data"));
	};
	version("..2026_1", "nameserver 192.0.2.1\n");
	symlinkSync("..data/resolv.conf", join(place, "resolv.conf"));
	const next = watched(t, join(place, "resolv.conf"));
	assert.equal(servers(await next()), "read 192.0.2.1; strangers ");
	for (const turn of [2, 3, 4]) {
		version(`..2026_${turn}`, `nameserver 192.0.2.${turn}\n`);
		assert.equal(servers(await next()), `+192.0.2.${turn} -192.0.2.${turn - 1}; strangers `);
		rmSync(join(place, `..2026_${turn - 1}`), { recursive: true });
	}
});

test("a link to a file elsewhere, as systemd-resolved has it, is watched where it leads", async (t) => {
	const [here, there] = [folder(t), folder(t)];
	writeFileSync(join(there, "stub.conf"), "nameserver 127.0.0.53\n");
	symlinkSync(join(there, "stub.conf"), join(here, "resolv.conf"));
	const next = watched(t, join(here, "resolv.conf"));
	assert.equal(servers(await next()), "read 127.0.0.53; strangers ");
	writeFileSync(join(there, "stub.conf"), "nameserver 203.0.113.1\n");
	assert.equal(servers(await next()), "+203.0.113.1 -127.0.0.53; strangers 203.0.113.1");
});

test("gone is a gap, and back is told, changed or not", async (t) => {
	const path = join(folder(t), "resolv.conf");
	const next = watched(t, path);
	assert.match(servers(await next()), /ENOENT/);
	writeFileSync(path, "nameserver 192.0.2.1\n");
	assert.equal(servers(await next()), "read 192.0.2.1; strangers ");
	unlinkSync(path);
	assert.equal((await next())?.kind, "gap");
	writeFileSync(path, "nameserver 192.0.2.1\n");
	assert.equal(servers(await next()), "read 192.0.2.1; strangers ");
	unlinkSync(path);
	assert.equal((await next())?.kind, "gap");
	execFileSync("mkfifo", [path]);
	assert.match(servers(await next()), /no regular file/);
	unlinkSync(path);
	assert.match(servers(await next()), /ENOENT/);
	writeFileSync(path, "#".repeat(70_001));
	assert.match(servers(await next()), /larger than/);
	writeFileSync(path, "nameserver 192.0.2.2\n");
	assert.equal(servers(await next()), "+192.0.2.2 -192.0.2.1; strangers ");
});

test("what no watch hears of is found by polling", async (t) => {
	const place = folder(t);
	const next = watched(t, join(place, "etc", "resolv.conf"), { pollMs: 20 });
	assert.match(servers(await next()), /ENOENT/);
	mkdirSync(join(place, "etc"));
	writeFileSync(join(place, "etc", "resolv.conf"), "nameserver 192.0.2.1\n");
	assert.equal(servers(await next()), "read 192.0.2.1; strangers ");
	renameSync(join(place, "etc"), join(place, "old"));
	assert.match(servers(await next()), /ENOENT/);
});
