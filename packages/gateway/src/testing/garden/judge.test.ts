import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chain, Counted, Course } from "./chain.ts";
import { bodiesOf, judge } from "./judge.ts";
import type { SeenMessage } from "./recording-origin.ts";
import { TAG } from "./server.ts";
import { VARNISH } from "./server-varnish.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const OTHER = "4bf92f3577b34da6a3ce929d0e0e4736";

const COUNTED: Counted = {
	clientPort: 40_000,
	method: "POST",
	target: "/first-0001",
	host: "garden.example",
	bodyBytes: 5,
	status: 200,
	traceId: TRACE,
	tries: 1,
	failure: undefined,
	tags: ["7"],
	tagLine: "POST /first-0001",
};

const SEEN: SeenMessage = {
	method: "POST",
	target: "/first-0001",
	host: "garden.example",
	body: "hello",
	fields: [["traceparent", `00-${TRACE}-00f067aa0ba902b7-00`]],
};

function course(parts: Partial<Course>): Course {
	return {
		counted: [COUNTED],
		seen: [SEEN],
		unreadable: [],
		heard: new Map(),
		numberOfPort: new Map(),
		seconds: 0,
		...parts,
	};
}

function whys(side: Chain["side"], parts: Partial<Course>, kind?: Chain["kind"]): string[] {
	return judge({ side, kind }, course(parts), bodiesOf(course({}))).map(({ why }) => why);
}

test("where all agree nothing is said", () => {
	for (const side of ["alone", "behind", "front"] as const) assert.deepEqual(whys(side, {}), []);
	const encoded = { ...SEEN, target: "/%66irst-0001?" };
	assert.deepEqual(whys("behind", { seen: [encoded] }), []);
});

test("each way to disagree is found", () => {
	const seen = (parts: Partial<SeenMessage>) => whys("behind", { seen: [{ ...SEEN, ...parts }] });
	const smuggled = { ...SEEN, method: "GET", target: "/smuggled-0001", body: "", fields: [] };
	assert.deepEqual(whys("behind", { seen: [SEEN, smuggled] }), [
		"the origin saw a request that the gateway did not count",
	]);
	assert.deepEqual(whys("behind", { seen: [SEEN, SEEN] }), [
		"the origin saw a request once more than it was sent",
	]);
	assert.deepEqual(seen({ method: "GET" }), ["another method"]);
	assert.deepEqual(seen({ host: "other.example" }), ["another host"]);
	assert.deepEqual(seen({ target: "/first-0002" }), ["another target"]);
	assert.deepEqual(seen({ body: "hell" }), ["another length of the body"]);
	assert.deepEqual(seen({ body: "hallo" }), ["another body"]);
	assert.deepEqual(whys("alone", { seen: [] }), ["answered, but the origin did not see it"]);
	assert.deepEqual(whys("alone", { unreadable: ["GET\n/"] }), ["the origin got what is no HTTP"]);
});

test("behind a front: requests that it did not send, sent twice, or meant otherwise", () => {
	const counted = (parts: Partial<Counted>) => whys("front", { counted: [{ ...COUNTED, ...parts }] });
	assert.deepEqual(counted({ tags: [] }), ["the gateway counted a request that the front did not send"]);
	assert.deepEqual(counted({ tagLine: "GET /first-0001" }), ["another method than the front meant"]);
	assert.deepEqual(counted({ tagLine: "POST /end-0001" }), ["another target than the front meant"]);
	const again = { ...COUNTED, traceId: OTHER, status: 0 };
	assert.deepEqual(whys("front", { counted: [COUNTED, again] }), ["the front sent a request twice"]);
	const body = `${TAG}: 8`;
	assert.deepEqual(
		whys("front", { counted: [{ ...COUNTED, bodyBytes: body.length }], seen: [{ ...SEEN, body }] }),
		["a request within a body"],
	);
});

test("answers belong to whoever asked", () => {
	const heard = (text: string) => whys("behind", { heard: new Map([[1, text]]) });
	const answer = (trace: string) =>
		`HTTP/1.1 200 OK\r\nx-trace-id: ${TRACE}\r\n\r\nseen-${trace} /end-0001\n`;
	assert.deepEqual(heard(answer(TRACE)), []);
	assert.deepEqual(heard(answer(OTHER)), ["an answer to another request"]);
	assert.deepEqual(heard(`${answer(TRACE)}/end-0002`), ["a client heard of another's request"]);
});

test("what Varnish is known for is no disagreement, and everything else is", () => {
	const cut = { ...COUNTED, status: 0, failure: "client malformed: a field's name is a token" };
	const shorter = { counted: [cut], seen: [{ ...SEEN, body: "hel" }] };
	assert.deepEqual(whys("behind", shorter, VARNISH), []);
	assert.deepEqual(whys("behind", shorter), ["another length of the body"]);
	assert.deepEqual(whys("behind", { seen: [{ ...SEEN, body: "hel" }] }, VARNISH), [
		"another length of the body",
	]);
});
