/**
 * A made-up but lifelike goroutine dump of any size: a shop's API server in trouble. About 300
 * distinct stacks, 15 to 30 frames deep, 2 kB a goroutine; ids and arguments differ in each.
 *
 * The outer frames are those real services show (net/http, gRPC, a queue worker), the inner ones those
 * they wait in (pool, PostgreSQL, mutex, channel, timer), and the application's lie between.
 */

/** Frames as `FUNC FILE:LINE ARGS +0xOFF`, innermost first; ARGS is the number of argument words. */
interface Pattern {
	readonly state: string;
	readonly frames: readonly string[];
}

const GO = "/usr/local/go/src";
const MOD = "/home/build/go/pkg/mod";

const WAITS: readonly Pattern[] = [
	{
		state: "select",
		frames: [
			`database/sql.(*DB).conn ${GO}/database/sql/sql.go:1369 4 +0x69f`,
			`database/sql.(*DB).query ${GO}/database/sql/sql.go:1749 6 +0x57`,
			`database/sql.(*DB).QueryContext.func1 ${GO}/database/sql/sql.go:1732 1 +0x4f`,
			`database/sql.(*DB).retry ${GO}/database/sql/sql.go:1566 2 +0x42`,
			`database/sql.(*DB).QueryContext ${GO}/database/sql/sql.go:1731 7 +0xc5`,
			`gorm.io/gorm/callbacks.Query ${MOD}/gorm.io/gorm@v1.30.1/callbacks/query.go:20 1 +0xae`,
			`gorm.io/gorm.(*processor).Execute ${MOD}/gorm.io/gorm@v1.30.1/callbacks.go:130 2 +0x3e2`,
			`gorm.io/gorm.(*DB).Find ${MOD}/gorm.io/gorm@v1.30.1/finisher_api.go:170 4 +0x137`,
		],
	},
	{
		state: "IO wait",
		frames: [
			`internal/poll.runtime_pollWait ${GO}/runtime/netpoll.go:351 2 +0x85`,
			`internal/poll.(*pollDesc).wait ${GO}/internal/poll/fd_poll_runtime.go:84 3 +0x27`,
			`internal/poll.(*pollDesc).waitRead ${GO}/internal/poll/fd_poll_runtime.go:89 0 `,
			`internal/poll.(*FD).Read ${GO}/internal/poll/fd_unix.go:165 4 +0x279`,
			`net.(*netFD).Read ${GO}/net/fd_posix.go:68 4 +0x25`,
			`net.(*conn).Read ${GO}/net/net.go:196 4 +0x45`,
			`github.com/jackc/pgx/v5/pgconn/internal/bgreader.(*BGReader).Read ${MOD}/github.com/jackc/pgx/v5@v5.7.5/pgconn/internal/bgreader/bgreader.go:103 4 +0x9f`,
			`io.ReadAtLeast ${GO}/io/io.go:335 5 +0x91`,
			`github.com/jackc/pgx/v5/pgproto3.(*chunkReader).Next ${MOD}/github.com/jackc/pgx/v5@v5.7.5/pgproto3/chunkreader.go:80 2 +0x29a`,
			`github.com/jackc/pgx/v5/pgproto3.(*Frontend).Receive ${MOD}/github.com/jackc/pgx/v5@v5.7.5/pgproto3/frontend.go:306 1 +0x2d`,
			`github.com/jackc/pgx/v5/pgconn.(*PgConn).peekMessage ${MOD}/github.com/jackc/pgx/v5@v5.7.5/pgconn/pgconn.go:580 1 +0xf0`,
			`github.com/jackc/pgx/v5/pgconn.(*ResultReader).readUntilRowDescription ${MOD}/github.com/jackc/pgx/v5@v5.7.5/pgconn/pgconn.go:1665 1 +0x4c`,
			`github.com/jackc/pgx/v5.(*Conn).Query ${MOD}/github.com/jackc/pgx/v5@v5.7.5/conn.go:812 6 +0xd1c`,
		],
	},
	{
		state: "sync.Mutex.Lock",
		frames: [
			`internal/sync.runtime_SemacquireMutex ${GO}/runtime/sema.go:95 3 +0x25`,
			`internal/sync.(*Mutex).lockSlow ${GO}/internal/sync/mutex.go:149 1 +0x15d`,
			`internal/sync.(*Mutex).Lock ${GO}/internal/sync/mutex.go:70 0 `,
			`sync.(*Mutex).Lock ${GO}/sync/mutex.go:46 0 `,
			`example.com/shop/internal/cache.(*Shard[...]).get ${"/srv/shop/internal/cache"}/shard.go:88 3 +0x6c`,
			`example.com/shop/internal/cache.(*Cache[...]).GetOrLoad ${"/srv/shop/internal/cache"}/cache.go:141 5 +0x1d3`,
		],
	},
	{
		state: "chan receive",
		frames: [
			`golang.org/x/sync/singleflight.(*Group).doCall.func2 ${MOD}/golang.org/x/sync@v0.16.0/singleflight/singleflight.go:198 1 +0x6f`,
			`golang.org/x/sync/singleflight.(*Group).doCall ${MOD}/golang.org/x/sync@v0.16.0/singleflight/singleflight.go:200 5 +0x9d`,
			`golang.org/x/sync/singleflight.(*Group).Do ${MOD}/golang.org/x/sync@v0.16.0/singleflight/singleflight.go:113 4 +0x15a`,
		],
	},
	{
		state: "sleep",
		frames: [
			`time.Sleep ${GO}/runtime/time.go:338 1 +0x165`,
			`example.com/shop/internal/retry.(*Backoff).Wait ${"/srv/shop/internal/retry"}/backoff.go:57 2 +0x8e`,
		],
	},
];

const ROOTS: readonly Pattern[] = [
	{
		state: "",
		frames: [
			`github.com/gorilla/mux.(*Router).ServeHTTP ${MOD}/github.com/gorilla/mux@v1.8.1/mux.go:212 3 +0x1e2`,
			`go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp.(*middleware).serveHTTP ${MOD}/go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.62.0/handler.go:179 5 +0xb9e`,
			`go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp.NewMiddleware.func1.1 ${MOD}/go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.62.0/handler.go:63 3 +0x2b`,
			`net/http.HandlerFunc.ServeHTTP ${GO}/net/http/server.go:2322 3 +0x29`,
			`net/http.serverHandler.ServeHTTP ${GO}/net/http/server.go:3340 3 +0x8e`,
			`net/http.(*conn).serve ${GO}/net/http/server.go:2109 3 +0x665`,
			`created by net/http.(*Server).Serve ${GO}/net/http/server.go:3493 1 +0x485`,
		],
	},
	{
		state: "",
		frames: [
			`google.golang.org/grpc.(*Server).processUnaryRPC ${MOD}/google.golang.org/grpc@v1.74.2/server.go:1405 7 +0x1036`,
			`google.golang.org/grpc.(*Server).handleStream ${MOD}/google.golang.org/grpc@v1.74.2/server.go:1815 4 +0xbaa`,
			`google.golang.org/grpc.(*Server).serveStreams.func2.1 ${MOD}/google.golang.org/grpc@v1.74.2/server.go:1035 0 +0x7f`,
			`created by google.golang.org/grpc.(*Server).serveStreams.func2 ${MOD}/google.golang.org/grpc@v1.74.2/server.go:1046 1 +0x11d`,
		],
	},
	{
		state: "",
		frames: [
			`golang.org/x/sync/errgroup.(*Group).Go.func1 ${MOD}/golang.org/x/sync@v0.16.0/errgroup/errgroup.go:93 0 +0x50`,
			`created by golang.org/x/sync/errgroup.(*Group).Go ${MOD}/golang.org/x/sync@v0.16.0/errgroup/errgroup.go:78 1 +0x95`,
		],
	},
];

const DOMAINS = ["orders", "payments", "catalog", "shipping", "accounts", "pricing", "search"];
const VERBS = [
	"List",
	"Load",
	"Create",
	"Update",
	"Reserve",
	"Validate",
	"Enrich",
	"Resolve",
	"Apply",
	"Publish",
];
const LAYERS = ["(*Handler)", "(*Service)", "(*Repository)", "(*Store)", "(*Policy)", "(*Client)"];

/** Distinct stacks of a dump; 293 is prime, so that no round share of goroutines has the same one. */
export const DISTINCT_STACKS = 293;

/** Small, fast, and the same on every machine (mulberry32). */
function randomOf(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

function pick<T>(random: () => number, list: readonly T[]): T {
	return list[Math.floor(random() * list.length)] as T;
}

function applicationFrames(random: () => number, number: number): string[] {
	const depth = 1 + Math.floor(random() * 3);
	return Array.from({ length: depth }, (_, level) => {
		const domain = pick(random, DOMAINS);
		const func = `example.com/shop/internal/${domain}.${pick(random, LAYERS)}.${pick(random, VERBS)}`;
		const closure = random() < 0.25 ? `.func${1 + Math.floor(random() * 3)}` : "";
		const line = 20 + number * 3 + level;
		return `${func}${closure} /srv/shop/internal/${domain}/${domain}.go:${line} ${1 + Math.floor(random() * 3)} +0x${(16 + Math.floor(random() * 900)).toString(16)}`;
	});
}

/** A frame cut at its arguments, which differ in each goroutine: [text before, count, text after]. */
type Piece = readonly [string, number, string];

function piece(frame: string): Piece {
	const created = frame.startsWith("created by ");
	const [func = "", place = "", args = "0", offset = ""] = frame.replace("created by ", "").split(" ");
	const tail = `\n\t${place}${offset === "" ? "" : ` ${offset}`}\n`;
	if (created) return [`created by ${func} in goroutine `, -1, tail];
	// A frame without offset was inlined; its arguments are not printed.
	return offset === "" ? [`${func}(...)`, 0, tail] : [`${func}(`, Number(args), `)${tail}`];
}

function* distinctStacks(random: () => number): Generator<{ state: string; pieces: Piece[] }> {
	for (let number = 0; number < DISTINCT_STACKS; number++) {
		const wait = WAITS[number % WAITS.length] as Pattern;
		const root = ROOTS[number % ROOTS.length] as Pattern;
		const frames = [...wait.frames, ...applicationFrames(random, number), ...root.frames];
		yield { state: wait.state, pieces: frames.map(piece) };
	}
}

/** The dump in parts of one goroutine each. */
export function* dumpOf(goroutines: number, seed = 1): Generator<string> {
	const random = randomOf(seed);
	const stacks = [...distinctStacks(random)];
	let goid = 1;
	for (let i = 0; i < goroutines; i++) {
		goid += 1 + Math.floor(random() * 5);
		// Squared: some stacks are common, many are rare, as in a real incident.
		const stack = stacks[Math.floor(random() ** 2 * stacks.length)] as (typeof stacks)[number];
		const minutes = random() < 0.5 ? `, ${1 + Math.floor(random() * 90)} minutes` : "";
		let text = `${i === 0 ? "" : "\n"}goroutine ${goid} [${stack.state}${minutes}]:\n`;
		for (const [before, args, after] of stack.pieces) {
			text +=
				before + (args < 0 ? String(1 + Math.floor(random() * goid)) : argumentsOf(random, args)) + after;
		}
		yield text;
	}
}

function argumentsOf(random: () => number, count: number): string {
	let text = "";
	for (let i = 0; i < count; i++) {
		const stale = random() < 0.2 ? "?" : "";
		const word = `0xc000${Math.floor(0x100000 + random() * 0xefffff).toString(16)}${stale}`;
		text += `${i === 0 ? "" : ", "}${i === 2 ? `{${word}, 0x1f${stale}}` : word}`;
	}
	return text;
}
