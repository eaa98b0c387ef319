import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalPath, pathFault, plainPathEnd } from "./route-path.ts";

const SEED = 20_261;

/** What the fast way says, else the slow one; both must agree. */
function matchedOn(path: string): string | undefined {
	const end = plainPathEnd(path);
	const { path: canonical, fault } = canonicalPath(path);
	if (end >= 0) assert.deepEqual([path.slice(0, end), undefined], [canonical, fault], JSON.stringify(path));
	return fault === undefined ? canonical : undefined;
}

test("ways of writing one path are matched as one", () => {
	for (const [came, matched] of [
		["/admin", "/admin"],
		["/admin?a=/../b", "/admin"],
		["/?", "/"],
		["*", "*"],
		["/%61dmin", "/admin"],
		["/%41dmin", "/Admin"],
		["//admin", "/admin"],
		["///x////y//", "/x/y/"],
		["/admin;jsessionid=1", "/admin"],
		["/admin;a=/x", "/admin/x"],
		["/;a/admin", "/admin"],
		["/a;b;c/d;e", "/a/d"],
		["/caf%c3%a9", "/caf%C3%A9"],
		// Of a configuration: clients write it in UTF-8, and raw letters of theirs are refused with the head.
		["/caf\u00e9", "/caf%C3%A9"],
		["/%7euser", "/~user"],
		["/%25%32%65", "/%252e"],
		["/a%3bb", "/a%3Bb"],
		["/a%3fb", "/a%3Fb"],
		["/...", "/..."],
		["/.well-known/x", "/.well-known/x"],
		["/..x/x../.x", "/..x/x../.x"],
	] as const) {
		assert.equal(matchedOn(came), matched, came);
	}
});

const HOSTILE: Readonly<Record<string, readonly string[]>> = {
	"dot segments": ["/x/../admin", "/..", "/.", "/./admin", "/admin/.", "/x/..", "/../", "/x/..?y"],
	"dot segments in percent-encoding": ["/%2e%2e/admin", "/x/%2E./admin", "/.%2e", "/%2e", "/%2e?x"],
	"dot segments with parameters (Tomcat)": ["/x/..;/admin", "/..;a=b/admin", "/.;/admin", "/%2e%2e;/admin"],
	"a slash in percent-encoding": ["/x%2fadmin", "/%2Fadmin", "/..%2fadmin", "/admin;x=%2f"],
	backslashes: ["/x\\admin", "\\admin", "/..\\admin", "/x%5cadmin", "/%5C..%5Cadmin"],
	"NUL and controls": ["/admin%00", "/admin%00.png", "/admin\0", "/admin\t", "/ad min", "/admin\x7f"],
	"a fragment": ["/public#/../admin", "/admin#"],
	"UTF-8 that is too long": ["/%c0%afadmin", "/%C1%81dmin", "/%e0%80%af", "/%f0%80%80%af", "/%c0%ae%c0%ae/"],
	"broken percent-encoding": ["/%", "/%6", "/%zz", "/%u0061dmin", "/% 41", "/%+1", "/%2"],
	"no path": ["", "admin", "?", "http://example.com/admin", "**"],
};

for (const [flaw, paths] of Object.entries(HOSTILE)) {
	test(`refused: ${flaw}`, () => {
		for (const path of paths) {
			assert.equal(matchedOn(path), undefined, JSON.stringify(path));
			assert.match(pathFault(path) ?? "", /^A .*\.$/, JSON.stringify(path));
		}
	});
}

test("paths of the configuration may have any letter", () => {
	assert.equal(canonicalPath("/日本").path, "/%E6%97%A5%E6%9C%AC");
	assert.equal(canonicalPath("/\u{1f600}").path, "/%F0%9F%98%80");
	assert.equal(canonicalPath("/\ud800x").path, "/%EF%BF%BDx");
});

const piece = fc.constantFrom(
	"/",
	"/",
	".",
	"..",
	"%2e",
	"%2f",
	"%61",
	"a",
	"b",
	";",
	"?",
	"%",
	"\\",
	"#",
	"%25",
	"\u00e9",
);

test("the fast way agrees with the slow one, and what is canonical stays as it is", () => {
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			const matched = matchedOn(`/${pieces.join("")}`);
			if (matched === undefined) return;
			assert.ok(plainPathEnd(matched) === matched.length || matched.includes("%"), matched);
			assert.equal(canonicalPath(matched).path, matched);
			assert.ok(!matched.split("/").some((segment) => segment === "." || segment === ".."), matched);
			assert.ok(!matched.includes("//"), matched);
		}),
		{ seed: SEED, numRuns: 5_000 },
	);
});

/** Decodes once, takes parameters off, joins slashes, resolves dots: what a generous server makes of a path. */
function generous(path: string): string {
	const made: string[] = [];
	for (const raw of (path.split("?")[0] ?? "").split("/")) {
		const segment = decodedBytes(raw.split(";")[0] ?? "");
		for (const part of segment.split(/[/\\]/)) {
			if (part === "..") made.pop();
			else if (part !== "" && part !== ".") made.push(part);
		}
	}
	return `/${made.join("/")}`;
}

function decodedBytes(text: string): string {
	return text.replace(/%([\da-f]{2})/gi, (_, digits: string) =>
		String.fromCharCode(Number.parseInt(digits, 16)),
	);
}

test("no writing gets a generous server to a path that was matched as another", () => {
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			const came = `/${pieces.join("")}`.replaceAll("\u00e9", "e");
			const matched = matchedOn(came);
			if (matched === undefined) return;
			assert.equal(generous(came), decodedBytes(matched).replace(/(.)\/$/, "$1"), came);
		}),
		{ seed: SEED, numRuns: 5_000 },
	);
});
