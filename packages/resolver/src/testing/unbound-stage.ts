/**
 * The stage of a scenario with unbound on it: this process is the client and the server behind it, and the clock that
 * unbound sees is a file (libfaketime). Timers of unbound run by another clock, so scenarios that wait for one are not
 * for this stage.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DnsServer, freeDnsPorts, startDnsServer } from "@plumbline/lab/dns-servers";
import { requireDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder } from "@plumbline/lab/tied-process";
import { DNS_RCODE, type DnsMessage } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import type { Ask } from "../upstream.ts";
import { messageOf, rcodeOf } from "./scenario-message.ts";
import { askOf, type Line, linesOf, recordOf, recordText, settingOf } from "./scenario-text.ts";

const HOST = "127.0.0.1";
/** For what must come and does not: the test fails then. */
const WAIT_MS_MAX = 5_000;
const START_MS = Date.UTC(2026, 0, 1);

/** Undefined: it is not installed. */
export function faketimeLibrary(): string | undefined {
	for (const folder of existsSync("/usr/lib") ? readdirSync("/usr/lib") : []) {
		const path = join("/usr/lib", folder, "faketime", "libfaketime.so.1");
		if (existsSync(path)) return path;
	}
	return undefined;
}

interface Query {
	readonly message: DnsMessage;
	readonly from: RemoteInfo;
}

export class UnboundStage {
	readonly #server: Socket;
	readonly #unbound: DnsServer;
	readonly #clock: string;
	#nowMs = START_MS;
	/** Asked of the server and not answered. */
	#pending: Query[] = [];
	/** What the server goes on answering until the next ask: unbound asks again when it is told that it cannot. */
	readonly #answers = new Map<string, Line>();
	readonly #always = new Map<string, Line>();
	#heard: () => void = () => {};
	readonly #told = new Map<string, { readonly ask: Ask; readonly answer: Promise<DnsMessage> }>();

	static async start(settings: readonly string[]): Promise<UnboundStage> {
		const server = createSocket("udp4");
		server.bind(0, HOST);
		await once(server, "listening");
		const folder = makeScratchFolder();
		const clock = join(folder, "clock");
		writeClock(clock, START_MS);
		const { dns } = await freeDnsPorts(["dns"]);
		const file = join(folder, "unbound.conf");
		writeFileSync(file, configuration(folder, dns, server.address().port, settings));
		const answering = (bytes: Buffer, from: RemoteInfo) => {
			const query = decoded(bytes);
			const isReadiness = query.questions[0]?.name.startsWith("ready") === true;
			if (isReadiness)
				server.send(
					encodeDnsMessage({ ...query, isResponse: true, rcode: DNS_RCODE.NXDOMAIN }),
					from.port,
					HOST,
				);
		};
		server.on("message", answering);
		const unbound = await startDnsServer({
			program: requireDnsProgram("unbound", "apt package unbound"),
			args: ["-d", "-p", "-c", file],
			env: {
				LD_PRELOAD: faketimeLibrary() ?? "",
				FAKETIME_TIMESTAMP_FILE: clock,
				FAKETIME_NO_CACHE: "1",
				FAKETIME_DONT_FAKE_MONOTONIC: "1",
				TZ: "UTC",
			},
			folder,
			ports: { udp: dns, tcp: dns },
			tcpPorts: [dns],
			ready: { name: "ready.test", type: "A" },
		});
		server.off("message", answering);
		return new UnboundStage(server, unbound, clock);
	}

	private constructor(server: Socket, unbound: DnsServer, clock: string) {
		this.#server = server;
		this.#unbound = unbound;
		this.#clock = clock;
		server.on("message", (bytes: Buffer, from: RemoteInfo) => {
			this.#pending.push({ message: decoded(bytes), from });
			this.#answerAll();
			this.#heard();
		});
	}

	async stop(): Promise<void> {
		await this.#unbound.stop();
		this.#server.close();
	}

	async run(script: string): Promise<void> {
		this.#told.clear();
		this.#pending = [];
		for (const line of linesOf(script)) {
			if (line.verb === "set") continue;
			await this.#step(line).catch((error: unknown) => {
				throw new Error(`at: ${line.text}\n${error instanceof Error ? error.message : error}`, {
					cause: error,
				});
			});
		}
		assert.deepEqual(this.#pending.map(keyOfQuery), [], "unbound asked more");
	}

	async #step(line: Line): Promise<void> {
		const [first = "", ...rest] = line.words;
		switch (line.verb) {
			case "ask": {
				this.#answers.clear();
				const ask = askOf(rest);
				this.#told.set(first, { ask, answer: this.#query(ask) });
				return;
			}
			case "server":
				this.#answers.set(keyOf(askOf(line.words)), line);
				return await this.#untilAnswered(line);
			case "also":
				this.#always.set(keyOf(askOf(line.words)), line);
				return;
			case "told": {
				const told = this.#told.get(first);
				assert.ok(told);
				compare(await told.answer, line, told.ask);
				return;
			}
			case "cached": {
				this.#answers.clear();
				const ask = askOf(line.words);
				compare(await this.#query(ask), line, ask);
				return;
			}
			case "pass":
				this.#answers.clear();
				this.#nowMs += 1000 * Number.parseFloat(first);
				writeClock(this.#clock, this.#nowMs);
				return;
			default:
				throw new Error(`not for this stage: ${line.verb}`);
		}
	}

	readonly #answered = new Set<Line>();

	async #untilAnswered(line: Line): Promise<void> {
		const signal = AbortSignal.timeout(WAIT_MS_MAX);
		this.#answerAll();
		while (!this.#answered.has(line)) {
			await new Promise<void>((done, fail) => {
				this.#heard = done;
				signal.onabort = () => fail(new Error("unbound did not ask that"));
			});
		}
	}

	#answerAll(): void {
		const left: Query[] = [];
		for (const query of this.#pending) {
			const key = keyOfQuery(query);
			const line = this.#answers.get(key) ?? this.#always.get(key);
			const question = query.message.questions[0];
			if (line === undefined || question === undefined) {
				left.push(query);
				continue;
			}
			this.#answered.add(line);
			const subnet = query.message.edns?.options.find((each) => each.kind === "client-subnet")?.subnet;
			const ask: Ask = subnet === undefined ? { question } : { question, clientSubnet: subnet };
			const message = { ...messageOf(line, ask), id: query.message.id, questions: query.message.questions };
			this.#server.send(encodeDnsMessage(message), query.from.port, HOST);
		}
		this.#pending = left;
	}

	async #query(ask: Ask): Promise<DnsMessage> {
		const socket = createSocket("udp4");
		try {
			const id = randomInt(0x10000);
			const options =
				ask.clientSubnet === undefined ? [] : [{ kind: "client-subnet" as const, subnet: ask.clientSubnet }];
			const query: DnsMessage = {
				...{ id, isResponse: false, opcode: 0, isAuthoritative: false, isTruncated: false },
				...{
					recursionDesired: true,
					recursionAvailable: false,
					authenticData: false,
					checkingDisabled: false,
				},
				...{ rcode: 0, questions: [ask.question], answers: [], authorities: [], additionals: [] },
				edns: { udpSizeMax: 1232, version: 0, dnssecOk: ask.dnssecOk ?? false, options },
			};
			socket.send(encodeDnsMessage(query), this.#unbound.ports.udp, HOST);
			const [bytes] = await once(socket, "message", { signal: AbortSignal.timeout(WAIT_MS_MAX) });
			return decoded(bytes as Buffer);
		} finally {
			socket.close();
		}
	}
}

/** In one move: unbound may read it at any time. */
function writeClock(path: string, ms: number): void {
	const text = new Date(ms).toISOString().slice(0, 19).replace("T", " ");
	writeFileSync(`${path}.new`, `${text}\n`);
	renameSync(`${path}.new`, path);
}

function configuration(
	folder: string,
	port: number,
	serverPort: number,
	settings: readonly string[],
): string {
	const lines = [
		...[`interface: ${HOST}@${port}`, `port: ${port}`, `directory: "${folder}"`],
		...['username: ""', 'chroot: ""', 'pidfile: ""', 'logfile: ""', "use-syslog: no", "num-threads: 1"],
		...[
			"do-not-query-localhost: no",
			"do-ip6: no",
			'local-zone: "test." nodefault',
			"minimal-responses: yes",
		],
		...[
			"prefetch: yes",
			"cache-max-negative-ttl: 3600",
			"serve-expired-reply-ttl: 30",
			"serve-expired-ttl: 86400",
		],
		...["ede: yes", "ede-serve-expired: yes", ...settings],
	];
	return `server:
${lines.map((line) => `    ${line}\n`).join("")}remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: ${HOST}@${serverPort}
`;
}

function decoded(bytes: Buffer): DnsMessage {
	const found = decodeDnsMessage(bytes);
	if (found.kind !== "decoded") throw new Error("unbound sent what is no message");
	return found.message;
}

function keyOf({ question }: Ask): string {
	return `${question.name.toLowerCase()} ${question.type}`;
}

function keyOfQuery({ message }: Query): string {
	const [question] = message.questions;
	return question === undefined ? "" : keyOf({ question });
}

/** What both must agree on. Who gave the answer unbound does not say, but for its staleness. */
function compare(message: DnsMessage, line: Line, ask: Ask): void {
	const { words, records } = line;
	const options = message.edns?.options ?? [];
	const texts = (at: number) =>
		(records[at] ?? []).map((text) => recordText(recordOf(text, ask.question.name)).toLowerCase());
	const isFailure = settingOf(words, "failed") !== undefined;
	const found = {
		rcode: message.rcode,
		answers: message.answers.map((each) => recordText(each).toLowerCase()),
		authorities: message.authorities.map((each) => recordText(each).toLowerCase()),
		isStale: options.some((each) => each.kind === "extended-error" && [3, 19].includes(each.code)),
		scope: options.find((each) => each.kind === "client-subnet")?.subnet.scopePrefix.toString(),
	};
	const expected = {
		rcode: isFailure ? DNS_RCODE.SERVFAIL : rcodeOf(words),
		answers: texts(0),
		authorities: texts(1),
		isStale: words.includes("stale"),
		scope: settingOf(words, "scope"),
	};
	assert.deepEqual(found, expected);
}
