import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResolvConf } from "@plumbline/signals/resolv-conf";
import { type LookupLibrary, searchCost } from "./search-cost.ts";

const TWO_DOMAINS = parseResolvConf(
	"search a.test b.test\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:2\n",
);
const KUBERNETES = parseResolvConf(
	"search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
);

function names(name: string, library: LookupLibrary, answers?: string, facts = TWO_DOMAINS): string {
	const { questions } = searchCost(name, facts, library, answers);
	return questions.flatMap((question) => (question.type === "A" ? [question.name] : [])).join(" ");
}

// What each of them sent to a name server that wrote it down, ndots 2, the name itself answered.
const SEEN: readonly (readonly [string, string])[] = [
	["one", "one.a.test. one.b.test. one."],
	["one.two", "one.two.a.test. one.two.b.test. one.two."],
	["one.two.three", "one.two.three."],
	["one.", "one."],
];
for (const library of ["glibc", "go", "musl"] as const)
	test(`${library}: the questions that it was seen to send`, () => {
		for (const [name, expected] of SEEN) assert.equal(names(name, library), expected, name);
	});

test("a name that is nowhere: glibc and Go try the list after it, musl does not", () => {
	const nowhere = "nowhere.invalid.";
	const all = "one.two.three. one.two.three.a.test. one.two.three.b.test.";
	assert.equal(names("one.two.three", "glibc", nowhere), all);
	assert.equal(names("one.two.three", "go", nowhere), all);
	assert.equal(names("one.two.three", "musl", nowhere), "one.two.three.");
	assert.equal(searchCost("one.two.three", TWO_DOMAINS, "glibc", nowhere).wasted, 6);
	assert.deepEqual(searchCost("one.two.three", TWO_DOMAINS, "glibc", nowhere).advice, []);
});

test("the root in the search list", () => {
	const facts = { ...TWO_DOMAINS, search: [".", "a.test"] };
	assert.equal(names("one", "glibc", "nowhere.", facts), "one. one.a.test.");
	assert.equal(names("one", "go", "nowhere.", facts), "one.a.test. one.");
});

test("a name of the outside world in a Kubernetes pod: six of eight questions are wasted", () => {
	const cost = searchCost("api.example.com", KUBERNETES, "glibc");
	assert.equal(cost.questions.length, 8);
	assert.equal(cost.questions[0]?.name, "api.example.com.shop.svc.cluster.local.");
	assert.equal(cost.wasted, 6);
	assert.equal(cost.packets, 8);
	assert.deepEqual(cost.advice, [
		{ kind: "trailing-dot", name: "api.example.com.", questions: 2 },
		{ kind: "ndots", ndots: 1, questions: 2 },
	]);
});

test("a service by its short name wastes nothing; one of another namespace two questions", () => {
	const near = searchCost("cart", KUBERNETES, "go", "cart.shop.svc.cluster.local.");
	assert.deepEqual([near.wasted, near.questions.length, near.advice], [0, 2, []]);
	const far = searchCost("cart.stock", KUBERNETES, "go", "CART.stock.svc.cluster.local.");
	assert.deepEqual([far.wasted, far.questions.length], [2, 4]);
	// ndots would not help: the search list is what finds it.
	assert.deepEqual(far.advice, [
		{ kind: "trailing-dot", name: "CART.stock.svc.cluster.local.", questions: 2 },
	]);
});

test("musl asks all name servers at once", () => {
	assert.equal(searchCost("one", TWO_DOMAINS, "musl").packets, 12);
	assert.equal(searchCost("one", TWO_DOMAINS, "glibc").packets, 6);
	assert.equal(searchCost("one", { ...TWO_DOMAINS, nameservers: [] }, "musl").packets, 6);
});

test("a name that would be too long with a search domain is not tried with it", () => {
	const long = `${"x".repeat(50)}.`.repeat(4) + "y".repeat(49);
	assert.equal(names(long, "go", undefined, { ...TWO_DOMAINS, ndots: 9 }), `${long}.`);
});
