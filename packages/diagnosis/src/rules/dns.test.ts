/** dns-storm and dns-slow: the same views, two faults. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Frame, GoroutineProfile, ProfileRecord } from "@plumbline/signals/goroutines";
import { app } from "../testing/dump-text.ts";
import { worker } from "../testing/goroutines.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const frame = (func: string, line = 0): Frame => ({ func, file: "carrier.go", line });
const QUOTE = frame("main.(*Carrier).Quote", 31);

function record(count: number, ...frames: Frame[]): ProfileRecord {
	return { count, frames, labels: {}, offset: 100 * count };
}

const query = (count: number) =>
	record(
		count,
		frame("internal/poll.runtime_pollWait"),
		frame("net.dnsPacketRoundTrip"),
		frame("net.(*Resolver).exchange"),
		frame("net.(*Resolver).goLookupIPCNAMEOrder.func3.1"),
	);
const cgo = (count: number) => record(count, frame("net._C2func_getaddrinfo"), frame("net.cgoLookupHostIP"));
const asks = (count: number) =>
	record(count, frame("net.(*Resolver).lookupIPAddr"), frame("net.(*Dialer).DialContext"), QUOTE);
const idle = record(50, frame("main.idle"));

function profiles(...samples: readonly ProfileRecord[][]): readonly GoroutineProfile[] {
	return samples.map((records) => ({ total: 100, records: [idle, ...records] }));
}

/** Ten seconds of UDP in the network namespace, and the resolv.conf. */
function udp(out: number, received = out, nameservers = ["10.96.0.10"]) {
	const resolver = {
		nameservers,
		search: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"],
		ndots: 5,
		timeoutS: 5,
		attempts: 2,
	};
	return [0, 1].map((i) => ({
		pid: 4711,
		threads: 40,
		resolver,
		udp: { outDatagrams: 7_000 + i * out, inDatagrams: 7_000 + i * received, noPorts: 0 },
	}));
}

const stormy = profiles(...times(40, (i) => (i % 3 === 0 ? [query(2), asks(1)] : [])));

test("many queries, and lookups in many samples: confirmed by two lines, the caller named, the search list counted", () => {
	const service = { profiles: stormy, process: udp(8_000) };
	const { holder, ...rest } = gist(service, "dns-storm") ?? {};
	assert.deepEqual(rest, { count: 800, level: "confirmed", severity: "warning", causes: [] });
	assert.equal(holder, "main.(*Carrier).Quote:31");
	const { title, story } = found(service, "dns-storm") ?? {};
	assert.equal(title, "Up to 800 DNS queries a second");
	assert.match(story ?? "", /in 14 of 40 samples/);
	assert.match(
		story ?? "",
		/fewer dots than 5 is tried with 3 search domains first: up to 8 queries a lookup/,
	);
	assert.deepEqual(alarms(service), ["dns-storm"]);
});

test("a server on loopback: queries and answers leave the same namespace", () => {
	assert.equal(
		found({ profiles: stormy, process: udp(8_000, 8_000, ["127.0.0.53"]) }, "dns-storm")?.count,
		400,
	);
});

test("lookups in libc hold threads, and the story says so", () => {
	const samples = profiles(...times(40, () => [cgo(9), asks(9)]));
	assert.match(
		found({ profiles: samples, process: udp(8_000) }, "dns-storm")?.story ?? "",
		/by libc \(cgo\).* 40$|40;/,
	);
});

test("without counters many in the resolver at a time are suspected", () => {
	const service = { profiles: profiles(...times(40, () => [query(14), asks(7)])) };
	assert.equal(found(service, "dns-storm")?.level, "suspected");
	assert.equal(found(service, "dns-storm")?.count, 7);
});

test("silent: few queries; datagrams that are others'; too few samples", () => {
	assert.deepEqual(alarms({ profiles: stormy, process: udp(300) }), []);
	assert.deepEqual(alarms({ profiles: profiles(...times(40, () => [])), process: udp(80_000) }), []);
	assert.deepEqual(alarms({ profiles: profiles([query(2)], [query(2)]), process: udp(80_000) }), []);
});

test("queries that wait: time a query by Little's law", () => {
	const service = { profiles: profiles(...times(40, () => [query(6), asks(3)])), process: udp(40) };
	const finding = found(service, "dns-slow");
	assert.equal(finding?.level, "confirmed");
	assert.equal(finding?.title, "DNS queries take 1.5 s and longer");
	assert.equal(finding?.count, 6);
	assert.deepEqual(alarms(service), ["dns-slow"]);
});

test("queries that get no answer are counted", () => {
	const service = { profiles: profiles(...times(40, () => [query(6), asks(3)])), process: udp(40, 10) };
	const finding = found(service, "dns-slow");
	assert.match(finding?.title ?? "", /^DNS queries get no answer: 30 of 40 in 10\.0 s$/);
	assert.match(finding?.story ?? "", /asked: 10\.96\.0\.10; a lost query is sent again after 5 s, 2 times/);
});

test("silent: a storm of fast answers is not slow; a single slow lookup is none either", () => {
	assert.equal(found({ profiles: stormy, process: udp(8_000) }, "dns-slow"), undefined);
	const once = profiles(...times(40, (i) => (i < 3 ? [query(2)] : [])));
	assert.deepEqual(alarms({ profiles: once, process: udp(2) }), []);
	assert.deepEqual(alarms({ profiles: profiles(...times(40, () => [query(6)])) }), []);
});

test("silent: the dials of a deployment, all in one part of the window", () => {
	const burst = profiles(...times(40, (i) => (i < 12 ? [query(20), asks(10)] : [])));
	assert.deepEqual(alarms({ profiles: burst, process: udp(2_000) }), []);
});

test("a slow name server fills the resolver: a few datagrams of others make no storm of that", () => {
	const service = { profiles: profiles(...times(40, () => [query(40), asks(20)])), process: udp(1_010) };
	assert.deepEqual(alarms(service), ["dns-slow"]);
});

test("the ids of goroutines bound how many of the queries are the program's own", () => {
	const at = (goid: number) => [worker(goid, { state: "select", calls: [] }, app("main.idle", 3))];
	const service = { profiles: stormy, process: udp(8_000), go: [{ go_sched_gomaxprocs_threads: 2 }] };
	assert.deepEqual(alarms({ ...service, dumps: [at(1_000), at(1_500)] }), []);
	assert.equal(found({ ...service, dumps: [at(1_000), at(9_000)] }, "dns-storm")?.count, 800);
	// Queries that start no goroutine are not bound by them.
	const srv = record(1, frame("net.dnsPacketRoundTrip"), frame("net.(*Resolver).goLookupSRV"), QUOTE);
	const srvs = profiles(...times(40, () => [srv]));
	assert.equal(found({ ...service, profiles: srvs, dumps: [at(1_000), at(1_500)] }, "dns-storm")?.count, 800);
});

test("silent: datagrams that nobody answers, and far too many for the lookups that were seen", () => {
	assert.deepEqual(alarms({ profiles: stormy, process: udp(8_000, 60) }), []);
	assert.deepEqual(alarms({ profiles: stormy, process: udp(400_000) }), []);
});

test("silent: lookups in libc that send no queries, queries over TCP", () => {
	const libc = profiles(...times(40, () => [cgo(1)]));
	assert.equal(found({ profiles: libc, process: udp(10) }, "dns-slow"), undefined);
	assert.equal(found({ profiles: libc, process: udp(1, 0) }, "dns-slow"), undefined);
	const stream = record(6, frame("net.dnsStreamRoundTrip"), frame("net.(*Resolver).exchange"));
	const streams = profiles(...times(40, () => [stream, asks(3)]));
	assert.equal(found({ profiles: streams, process: udp(40) }, "dns-slow"), undefined);
	const dead = profiles(...times(40, () => [cgo(3)]));
	assert.match(
		found({ profiles: dead, process: udp(12, 0) }, "dns-slow")?.title ?? "",
		/no answer: 12 of 12/,
	);
});

test("silent: a window too short to count in, counters that fall", () => {
	assert.deepEqual(alarms({ profiles: stormy, process: udp(8_000), windowMs: 500 }), []);
	assert.deepEqual(alarms({ profiles: stormy, process: udp(-8_000) }), []);
});

test("evidence quotes the counters as they stand in the part", () => {
	const quote = found({ profiles: stormy, process: udp(8_000) }, "dns-storm")?.evidence[1]?.quote;
	assert.equal(quote, '"inDatagrams": 15000,\n"outDatagrams": 15000,');
});
