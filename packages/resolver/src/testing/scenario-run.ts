/** Runs what `scenario-text.ts` describes against a resolver with a clock turned by hand and scripted servers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import type { DnsRecord } from "@plumbline/signals/dns-message";
import type { Resolution } from "../resolution.ts";
import { type CachingResolver, createResolver, type ResolverOptions } from "../resolver.ts";
import type { Ask, FailureKind } from "../upstream.ts";
import { fakeTime } from "./fake-time.ts";
import { messageOf, rcodeOf } from "./scenario-message.ts";
import { askOf, type Line, linesOf, recordOf, recordText, settingOf } from "./scenario-text.ts";
import { type Pending, ScriptedUpstreams } from "./scripted-upstreams.ts";

/** One test for each: title and script. */
export function scenarios(group: string, scripts: { readonly [title: string]: string }): void {
	for (const [title, script] of Object.entries(scripts))
		test(`${group}: ${title}`, () => runScenario(script));
}

export async function runScenario(script: string): Promise<void> {
	const lines = linesOf(script);
	const settings = lines.filter(({ verb }) => verb === "set").flatMap(({ words }) => words);
	const stage = new Stage(settings);
	for (const line of lines) {
		if (line.verb === "set") continue;
		await stage.step(line).catch((error: unknown) => {
			throw new Error(`at: ${line.text}\n${error instanceof Error ? error.message : error}`, {
				cause: error,
			});
		});
		await settled();
	}
	stage.endsQuiet();
	await stage.resolver.close();
}

/** Whatever can go on without a server or the clock has gone on. */
async function settled(): Promise<void> {
	for (let i = 0; i < 3; i++) await new Promise((done) => setImmediate(done));
}

interface Client {
	readonly ask: Ask;
	readonly controller: AbortController;
	told: Resolution | undefined;
}

class Stage {
	readonly resolver: CachingResolver;
	readonly #time = fakeTime();
	readonly #servers = new ScriptedUpstreams();
	readonly #clients = new Map<string, Client>();

	constructor(settings: readonly string[]) {
		this.resolver = createResolver({
			upstreams: this.#servers,
			now: this.#time.now,
			timers: this.#time.timers,
			...optionsOf(settings),
		});
	}

	async step(line: Line): Promise<void> {
		const [first = "", ...rest] = line.words;
		switch (line.verb) {
			case "ask":
				return this.#ask(first, askOf(rest));
			case "server":
				return this.#serve(line);
			case "pending":
				this.#find(line).isSeen = true;
				return;
			case "told":
				return this.#told(first, line);
			case "cached":
				return this.#cached(line);
			case "pass":
				return await this.#time.pass(
					first.endsWith("ms") ? Number.parseFloat(first) : 1000 * Number.parseFloat(first),
				);
			case "waits":
				assert.equal(this.#client(first).told, undefined, "has been told something");
				return;
			case "leave":
				return this.#client(first).controller.abort();
			case "given-up":
				return this.#givenUp(line);
			case "also":
				return;
			case "quiet":
				return this.endsQuiet();
			default:
				throw new Error(`no such verb: ${line.verb}`);
		}
	}

	endsQuiet(): void {
		const open = this.#servers.pending.filter(({ isSeen }) => !isSeen).map(({ ask }) => ask.question);
		assert.deepEqual(open, [], "servers were asked more");
	}

	#ask(id: string, ask: Ask): void {
		assert.ok(!this.#clients.has(id), `client ${id} has asked already`);
		const controller = new AbortController();
		const client: Client = { ask, controller, told: undefined };
		this.#clients.set(id, client);
		void this.resolver.resolve(ask, { signal: controller.signal }).then((told) => {
			client.told = told;
		});
	}

	#serve(line: Line): void {
		const { words } = line;
		const pending = this.#find(line);
		const why = settingOf(words, "fail");
		if (why !== undefined) pending.fail(why as FailureKind | "nobody");
		else pending.answer(messageOf(line, pending.ask), !words.includes("plain"));
	}

	#find({ words }: Line): Pending {
		const wanted = askOf(words);
		const found = this.#servers.pending.find(({ ask }) => isSameAsk(ask, wanted));
		const all = this.#servers.pending.map(({ ask }) => ask);
		assert.ok(found, `no server is being asked that, but ${JSON.stringify(all)}`);
		return found;
	}

	#givenUp({ words }: Line): void {
		const wanted = askOf(words);
		assert.ok(
			this.#servers.givenUp.some(({ ask }) => isSameAsk(ask, wanted)),
			"it was not given up",
		);
	}

	#told(id: string, line: Line): void {
		const { told, ask } = this.#client(id);
		assert.ok(told, "has been told nothing");
		compare(told, line, ask, 1);
	}

	#cached(line: Line): void {
		const ask = askOf(line.words);
		const told = this.resolver.cached(ask);
		if (line.words.includes("no")) {
			assert.equal(told, undefined);
			return;
		}
		assert.ok(told, "nothing is said at once");
		compare(told, line, ask, 0);
	}

	#client(id: string): Client {
		const client = this.#clients.get(id);
		if (client === undefined) throw new Error(`no client ${id}`);
		return client;
	}
}

function optionsOf(
	settings: readonly string[],
): Pick<ResolverOptions, "rules" | "staleMode" | "clientTimerMs"> {
	const pairs = settings.map((word) => word.split("=") as [string, string]);
	const { mode, timer, ...rules } = Object.fromEntries(pairs);
	return {
		rules: ttlRules(Object.fromEntries(Object.entries(rules).map(([name, text]) => [name, Number(text)]))),
		staleMode: mode === "immediate" ? "immediate" : "after-client-timer",
		clientTimerMs: timer === undefined ? undefined : Number(timer),
	};
}

function isSameAsk(a: Ask, b: Ask): boolean {
	const key = ({ question, dnssecOk, checkingDisabled, clientSubnet }: Ask) =>
		JSON.stringify([question, dnssecOk ?? false, checkingDisabled ?? false, clientSubnet]);
	return key(a) === key(b);
}

function compare(told: Resolution, line: Line, ask: Ask, skip: number): void {
	const { words, records } = line;
	const why = settingOf(words, "failed");
	if (told.kind === "failed" || why !== undefined) {
		assert.equal(told.kind === "failed" ? told.why : told.source, why);
		return;
	}
	const { message, source, authenticated } = told;
	const options = message.edns?.options ?? [];
	const ede = options.find((each) => each.kind === "extended-error")?.code;
	const scope = options.find((each) => each.kind === "client-subnet")?.subnet.scopePrefix;
	const found = {
		source,
		rcode: message.rcode,
		authenticated,
		ad: message.authenticData,
		ede: ede?.toString(),
		scope: scope?.toString(),
		sections: [message.answers, message.authorities, message.additionals].map(texts),
	};
	const expected = {
		source: words.slice(skip).find((word) => ["upstream", "cache", "stale"].includes(word)),
		rcode: rcodeOf(words),
		authenticated: !words.includes("plain"),
		ad: words.includes("ad"),
		ede: settingOf(words, "ede"),
		scope: settingOf(words, "scope") ?? (ask.clientSubnet === undefined ? undefined : "0"),
		sections: [0, 1, 2].map((at) =>
			texts((records[at] ?? []).map((text) => recordOf(text, ask.question.name))),
		),
	};
	assert.deepEqual(found, expected);
	assert.deepEqual(message.questions, [{ ...ask.question, name: ask.question.name.toLowerCase() }]);
}

function texts(records: readonly DnsRecord[]): string[] {
	return records.map(recordText);
}
