/**
 * Whole connections of HTTP/1: requests one behind the other, some of them wounded, at once and in pieces. What is asked
 * of the exchange and what the client reads must be the same both ways; nothing of a connection is left.
 */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { ConnectionFacts } from "../../client-facts.ts";
import { serveH1 } from "../../h1-server.ts";
import { H1WorkPool } from "../../h1-work.ts";
import { ListResponseHead, NO_EDITS, type RequestHead } from "../../message.ts";
import type { RequestReceiver, ServerStream } from "../../stream.ts";
import { TimerWheel } from "../../timer-wheel.ts";
import { Scratch } from "../../transport-scratch.ts";
import { someRequest, wounded } from "../h1-heads.ts";
import { PipeSocket } from "./pipe-socket.ts";
import type { Target } from "./target.ts";

const REQUESTS_MAX = 4;
const BODIES = [
	"",
	"x",
	"hello",
	"0\r\n\r\n",
	"5\r\nhello\r\n0\r\n\r\n",
	"5;a=b\r\nhello\r\n0\r\nx-a: b\r\n\r\n",
];
const LIMITS = {
	headBytesMax: 2048,
	fieldsMax: 20,
	targetBytesMax: 512,
	bodyBytesMax: 4096,
	streamsMax: 1,
	requestsPerConnectionMax: Infinity,
	resetsBurst: 1,
	resetsPerSecond: 1,
};
const TIMEOUTS = { headMs: 1, idleMs: 1, bodyBytesPerSecondMin: 1, bodyRateAfterMs: 1, writeMs: 1 };
const PIECES = [1, 2, 7, 30, 500];
/** Turns that a piece may wait for whoever has paused. */
const TURNS_MAX = 50;

interface Told {
	readonly asked: readonly string[];
	readonly out: string;
}

export function connectionsTarget(): Target {
	const work = new H1WorkPool();
	const scratch = new Scratch();
	const wheel = new TimerWheel(() => 0, { after: () => () => undefined });
	async function told(bytes: Buffer, step: number): Promise<Told> {
		const asked: string[] = [];
		const socket = new PipeSocket();
		let closed = 0;
		const client = new ConnectionFacts("192.0.2.1", 5000, "fuzz", undefined);
		serveH1(socket.asSocket(), undefined, client, {
			limits: LIMITS,
			timeouts: TIMEOUTS,
			wheel,
			scratch,
			work,
			onRequest: (head, stream) => new Echo(head, stream, asked),
			onClosed: () => closed++,
		});
		for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
			for (let turns = 0; socket.isPaused; turns++) {
				if (turns > TURNS_MAX) throw new Error("paused, and nothing goes on");
				await turn();
			}
			// The engine may keep what it is given.
			socket.emit("data", Buffer.from(bytes.subarray(at, at + step)));
			await turn();
		}
		await turn();
		if (!socket.destroyed) socket.hearEnd();
		await turn();
		if (!socket.destroyed || closed !== 1) throw new Error(`closed ${closed} times after the client's end`);
		if (wheel.size !== 0) throw new Error(`${wheel.size} timers are left`);
		if (scratch.owner !== undefined) throw new Error("the scratch memory is still somebody's");
		return { asked, out: socket.out };
	}
	return {
		async run(chance) {
			const text = someConnection(chance);
			const bytes = Buffer.from(text, "latin1");
			const step = chance.of(PIECES);
			try {
				const whole = await told(bytes, Math.max(1, bytes.length));
				const pieces = await told(bytes, step);
				// What is wrong with a line that never ends may be seen before its end, or not.
				const isEarly = whole.out.startsWith(pieces.out) || pieces.out.startsWith(whole.out);
				if (!isEarly || whole.asked.join("\n") !== pieces.asked.join("\n"))
					throw new Error(`not the same in pieces: ${JSON.stringify({ whole, pieces })}`);
			} catch (error) {
				throw new Error(`${JSON.stringify({ text, step })}`, { cause: error });
			}
		},
	};
}

/** Answers when the request is whole, with what it was. */
class Echo implements RequestReceiver {
	readonly #head: RequestHead;
	readonly #stream: ServerStream;
	readonly #asked: string[];
	#body = "";

	constructor(head: RequestHead, stream: ServerStream, asked: string[]) {
		this.#head = head;
		this.#stream = stream;
		this.#asked = asked;
		if (head.expectsContinue) stream.informational(new ListResponseHead(100, [], 0), NO_EDITS);
		if (head.upgrade !== undefined) this.end();
	}

	data(bytes: Uint8Array): void {
		this.#body += Buffer.from(bytes).toString("latin1");
	}

	end(): void {
		const { method, path, authority } = this.#head;
		const what = `${method} ${authority} ${path} ${this.#body}`;
		this.#asked.push(what);
		const bytes = Buffer.from(what, "latin1");
		const length = path.length % 2 === 0 ? bytes.length : undefined;
		this.#stream.head(new ListResponseHead(200, ["x-echo", "1"], length), NO_EDITS);
		if (method !== "HEAD") this.#stream.data(bytes);
		this.#stream.end(undefined);
	}

	reset(): void {}
	drained(): void {}
	batchEnd(): void {
		this.#stream.flush();
	}
}

function someConnection(chance: Chance): string {
	let text = "";
	for (let left = 1 + chance.below(REQUESTS_MAX); left > 0; left--)
		text += `${someRequest(chance)}${chance.of(BODIES)}`;
	return chance.oneIn(2) ? wounded(text, chance) : text;
}

/** All that was put off to the end of the turn, and what that put off. */
async function turn(): Promise<void> {
	for (let left = 4; left > 0; left--) await undefined;
}
