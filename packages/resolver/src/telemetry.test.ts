import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, before, describe, test } from "node:test";
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import type { ResolverEvent } from "./observer.ts";
import { createResolver } from "./resolver.ts";
import { channelObserver, observers } from "./telemetry-channels.ts";
import { spanObserver } from "./telemetry-spans.ts";
import type { Asked, Upstreams } from "./upstream.ts";

const SERVER = { protocol: "dot", address: "192.0.2.53", port: 853, tlsName: "dns.example" } as const;
const A = { type: 1, class: 1 };

/** One name answers, one does not exist, one nobody answers for. */
const upstreams: Upstreams = {
	async ask({ question }): Promise<Asked> {
		const name = question.name;
		if (name === "dead.test.") {
			const exchange = {
				kind: "failed",
				why: "timeout",
				detail: "no answer within 2000 ms",
				tookMs: 2_000,
			} as const;
			return { kind: "failed", tries: [{ server: SERVER, exchange }] };
		}
		const exists = name === "web.test.";
		const data = { kind: "address" as const, address: "192.0.2.1" };
		const message = exists
			? dnsAnswer(question, { answers: [{ ...question, ttl: 60, data }] })
			: dnsAnswer(question, { rcode: 3 });
		const exchange = { kind: "answered", message, protocol: "dot", tookMs: 12 } as const;
		return {
			kind: "answered",
			message,
			server: SERVER,
			authenticated: true,
			tries: [{ server: SERVER, exchange }],
		};
	},
	async close() {},
};

/** The least that OpenTelemetry needs to know who called. */
class CallerContext implements ContextManager {
	readonly #storage = new AsyncLocalStorage<Context>();
	active(): Context {
		return this.#storage.getStore() ?? ROOT_CONTEXT;
	}
	with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
		within: Context,
		run: F,
		thisArg?: ThisParameterType<F>,
		...args: A
	): ReturnType<F> {
		return this.#storage.run(within, () => run.apply(thisArg, args));
	}
	bind<T>(_: Context, target: T): T {
		return target;
	}
	enable(): this {
		return this;
	}
	disable(): this {
		return this;
	}
}

describe("what a resolver tells", () => {
	const exporter = new InMemorySpanExporter();
	const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
	const tracer = provider.getTracer("test");
	before(() => context.setGlobalContextManager(new CallerContext()));
	after(() => context.disable());

	const resolverWith = (observe: (event: ResolverEvent) => void) =>
		createResolver({ upstreams, rules: ttlRules(), observe });

	test("a span for each resolution, below its caller's, by the old names and the new", async () => {
		const resolver = resolverWith(spanObserver({ tracer, wallMs: () => 1_700_000_000_000 }));
		const request = tracer.startSpan("GET /orders");
		await context.with(trace.setSpan(context.active(), request), async () => {
			for (const name of ["web.test.", "web.test.", "none.test.", "dead.test."])
				await resolver.resolve({ question: { name, ...A } });
		});
		request.end();
		await resolver.close();
		const spans = exporter.getFinishedSpans().filter(({ name }) => name === "dns.resolve");
		assert.equal(spans.length, 4);
		for (const span of spans) assert.equal(span.parentSpanContext?.spanId, request.spanContext().spanId);
		const [asked, known, none, dead] = spans;
		assert.deepEqual(asked?.attributes, {
			"net.peer.name": "web.test",
			"server.address": "web.test",
			"dns.question.name": "web.test",
			"dns.question.type": "A",
			"net.dns.server": "dot 192.0.2.53:853 (dns.example)",
			"net.dns.answer": ["192.0.2.1"],
			"dns.answers": ["192.0.2.1"],
			"plumbline.dns.source": "upstream",
			"plumbline.dns.authenticated": true,
		});
		assert.deepEqual(
			asked?.events.map(({ name, attributes }) => [name, attributes?.["dns.response_code"]]),
			[["dns.try", "NOERROR"]],
		);
		assert.equal(known?.attributes["plumbline.dns.source"], "cache");
		assert.deepEqual(known?.events, []);
		assert.equal(none?.attributes["error.type"], "NXDOMAIN");
		assert.equal(none?.status.code, 0);
		assert.equal(dead?.attributes["error.type"], "no-server-answered");
		assert.equal(dead?.status.code, 2);
		assert.equal(dead?.events[0]?.attributes?.["error.type"], "timeout");
	});

	test("diagnostics channels carry every event, and only while somebody listens", async () => {
		const heard: ResolverEvent[] = [];
		const hear = (message: unknown) => heard.push(message as ResolverEvent);
		const all: ResolverEvent[] = [];
		const resolver = resolverWith(observers([channelObserver(), (event) => all.push(event)]));
		await resolver.resolve({ question: { name: "none.test.", ...A } });
		assert.equal(heard.length, 0);
		subscribe("plumbline:dns:resolved", hear);
		await resolver.resolve({ question: { name: "web.test.", ...A } });
		unsubscribe("plumbline:dns:resolved", hear);
		await resolver.resolve({ question: { name: "dead.test.", ...A } });
		await resolver.close();
		assert.deepEqual(
			heard.map((event) => event.kind === "resolved" && event.ask.question.name),
			["web.test."],
		);
		assert.equal(all.filter(({ kind }) => kind === "resolved").length, 3);
	});
});
