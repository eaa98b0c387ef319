import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fingerprintSql, redactSql, type SqlDialect } from "./sql.ts";

const postgres: SqlDialect = { engine: "postgres" };
const mysql: SqlDialect = { engine: "mysql" };

test("PostgreSQL: literals go, names and placeholders stay", () => {
	const cases: readonly (readonly [string, string])[] = [
		[
			"SELECT * FROM \"Or'der\" WHERE a = 'x''y' AND b = $1",
			'SELECT * FROM "Or\'der" WHERE a = ? AND b = $1',
		],
		["select E'o\\'x', e'\\\\', 'back\\' , U&'\\0041', B'01', X'1F'", "select ?, ?, ? , ?, ?, ?"],
		["select $$a'b$$, $tag$ $$ $other$ $tag$, $1", "select ?, ?, $1"],
		["select t1.c2, 1, 1.5e-3, .5, 0x1F, 1_000, -7 from t1", "select t1.c2, ?, ?, ?, ?, ?, -? from t1"],
		["select a #> '{b}' -- secret\nfrom t", "select a #> ? --\nfrom t"],
		["select /* a /* b */ secret */ 1 from t/*+ hint */", "select /* */ ? from t/* */"],
		[
			"select now() - interval '5 min', '2026-01-01'::date, :name",
			"select now() - interval ?, ?::date, :name",
		],
		["insert into t values ('cut of", "insert into t values (?"],
		["select $body$ never closed $bod", "select ?"],
		['select "never closed', "select ?"],
		["select /* never closed", "select /* */"],
		["select café$x, 'ü' from Bestellung", "select café$x, ? from Bestellung"],
		["select 'a'\n'b'", "select ?\n?"],
		["SELECT ... FOR UPDATE", "SELECT ... FOR UPDATE"],
		["", ""],
	];
	for (const [given, wanted] of cases) assert.equal(redactSql(given, postgres), wanted);
});

test("MySQL: double quotes hold strings, backslashes escape, # comments", () => {
	const cases: readonly (readonly [string, string])[] = [
		['select `a\'b`, "x""y\\"z", \'o\\\'x\' from t where id = ?', "select `a'b`, ?, ? from t where id = ?"],
		[
			"select _utf8mb4'x', 0xFF, x'ff', @a, @@version # secret\n from t",
			"select _utf8mb4?, ?, ?, @a, @@version --\n from t",
		],
		["select /*!80000 'secret' */ 1", "select /* */ ?"],
		["select /* a /* b */ 1", "select /* */ ?"],
		['select "cut', "select ?"],
	];
	for (const [given, wanted] of cases) assert.equal(redactSql(given, mysql), wanted);
});

test("the server's own setting says whether backslashes escape", () => {
	const off: SqlDialect = { engine: "postgres", backslashEscapes: true };
	assert.equal(redactSql("select 'it\\'s', 1", off), "select ?, ?");
	const plain: SqlDialect = { engine: "mysql", backslashEscapes: false };
	assert.equal(redactSql("select 'a\\', 'b', \"c\\\"", plain), "select ?, ?, ?");
});

/** A literal holding MARK somewhere, quoted as a driver would. */
const MARK = "qZ7secret";
const literal = fc
	.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), fc.integer({ min: 0, max: 5 }))
	.map(([before, behind, style]) => {
		const raw = `${before}${MARK}${behind}`;
		const doubled = raw.replaceAll("'", "''");
		const escaped = raw.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
		switch (style) {
			case 0:
				return `E'${escaped}'`;
			case 1:
				return `$$${raw.replaceAll("$", "")}$$`;
			case 2:
				return `$t_1$${raw.replaceAll("$", "")}$t_1$`;
			case 3:
				return `/* ${raw.replaceAll("*", "").replaceAll("/", "")} */`;
			case 4:
				return `-- ${raw.replaceAll(/[\r\n]/g, "")}\n`;
			default:
				return `'${doubled}'`;
		}
	});
const plain = fc.constantFrom(
	"SELECT",
	" ",
	"\n",
	"a.b",
	'"q""n"',
	"$1",
	"?",
	"(",
	",",
	"=",
	"->>",
	"::text",
	"/",
	"*",
	"-",
	"IN",
	"1.5",
);

test("no literal's text survives, wherever the statement is cut", () => {
	fc.assert(
		fc.property(fc.array(fc.oneof(plain, literal), { maxLength: 12 }), fc.nat(), (pieces, cut) => {
			const whole = pieces.join(" ");
			assert.ok(!redactSql(whole, postgres).includes(MARK), whole);
			const part = whole.slice(0, cut % (whole.length + 1));
			assert.ok(!redactSql(part, postgres).includes(MARK), part);
		}),
		{ numRuns: 1000 },
	);
});

test("MySQL literals do not survive either", () => {
	const quoted = fc.tuple(fc.string(), fc.constantFrom("'", '"')).map(([inner, quote]) => {
		const escaped = `${inner}${MARK}`.replaceAll("\\", "\\\\").replaceAll(quote, quote + quote);
		return quote + escaped + quote;
	});
	const name = fc.constantFrom("SELECT", "`a'b`", "?", "(", ",", "t.x", "1");
	fc.assert(
		fc.property(fc.array(fc.oneof(name, quoted)), (pieces) => {
			assert.ok(!redactSql(pieces.join(" "), mysql).includes(MARK));
		}),
	);
});

test("redacting twice changes nothing more, and any text is accepted", () => {
	fc.assert(
		fc.property(fc.string({ unit: "binary" }), fc.constantFrom(postgres, mysql), (text, dialect) => {
			const once = redactSql(text, dialect);
			assert.equal(redactSql(once, dialect), once);
		}),
	);
});

test("a fingerprint ignores data, layout, case and the length of lists", () => {
	const same = [
		"SELECT * FROM t WHERE id IN (1, 2, 3) AND b = 'x' -- note",
		"select *\n  from t where id in ($1,$2) and b=$3",
		"select /* a */ * from T where id in (?) and b = ?;",
	];
	const prints = new Set(same.map((text) => fingerprintSql(text, postgres)));
	assert.deepEqual([...prints], ["select * from t where id in(?)and b=?"]);
	assert.equal(
		fingerprintSql("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')", postgres),
		fingerprintSql("insert into t (a,b) values ($1,$2)", postgres),
	);
	assert.notEqual(fingerprintSql('select "A"', postgres), fingerprintSql('select "a"', postgres));
});
