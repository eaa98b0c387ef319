/**
 * A metrics page, decoded into pools and Go runtime values.
 *
 *     # HELP gorm_dbstats_in_use The number of connections currently in use.
 *     # TYPE gorm_dbstats_in_use gauge
 *     gorm_dbstats_in_use{db_name="orders"} 7
 *     go_goroutines 412
 *     # EOF
 *
 * Format: Prometheus text 0.0.4 and OpenMetrics 1.0 (one line: pools-prometheus-text.ts; names and units:
 * pools-families.ts). Lines end in LF or CRLF. A last line without an end may be cut inside its value, so
 * it is dropped and told. A line that is no sample is a flaw; the others stay.
 *
 * How this can mislead: gauges of GORM's plugin are up to its RefreshInterval (15 s by default) old.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { Metrics, PoolCounters } from "./pools.ts";
import { type PoolReading, readPoolName } from "./pools-families.ts";
import { type MetricSample, parseSample } from "./pools-prometheus-text.ts";
import { RuntimeSeries } from "./pools-runtime.ts";

/** Pools kept of one page: a page that labels them by request would have no end. */
const POOLS_MAX = 1000;
/** Characters of a bad line that a message quotes. */
const QUOTE_CHARS_MAX = 60;

/** Decodes a metrics page. `foreign` when there is no series in it, or more garbage than series. */
export function decodePrometheus(bytes: Uint8Array): Decoded<Metrics> {
	// One character per byte, so that offsets in the text are offsets in the bytes.
	const text = new TextDecoder("latin1").decode(bytes);
	const page: Page = {
		bytes,
		pools: new Map(),
		runtime: new RuntimeSeries(),
		toldOthers: false,
		flaws: new Flaws(),
		seriesCount: 0,
		badLines: 0,
	};
	let described = false;
	for (let start = 0; start < text.length; ) {
		const lf = text.indexOf("\n", start);
		const end = lf < 0 ? text.length : lf;
		const line = text.slice(start, end).replace(/\r$/, "");
		if (line.startsWith("#")) described ||= /^#\s+(?:TYPE|HELP)\s/.test(line);
		else if (line.trim() !== "") {
			if (lf < 0) addFlaw(page, "truncated", "expected a line end, found the end of the page", line, start);
			else readLine(page, line, start);
		}
		start = end + 1;
	}
	if (page.seriesCount === 0 || (!described && page.badLines > page.seriesCount)) {
		return { kind: "foreign", found: quote(bytes, 0, text.search(/[\r\n]/)) };
	}
	const { seriesCount, flaws, runtime } = page;
	const { values: go, goVersion } = runtime;
	const known = goVersion === undefined ? {} : { goVersion };
	const value: Metrics = { pools: [...namedPools(page.pools)], go, ...known, seriesCount };
	return { kind: "decoded", value, flaws: flaws.list() };
}

/** What has been read so far. */
interface Page {
	readonly bytes: Uint8Array;
	readonly pools: Map<string, PoolDraft>;
	readonly runtime: RuntimeSeries;
	readonly flaws: Flaws;
	seriesCount: number;
	badLines: number;
	/** That the page is of several processes. */
	toldOthers: boolean;
}

interface PoolDraft {
	readonly reading: PoolReading;
	/** Labels that tell this pool from others, sorted. */
	readonly labels: readonly (readonly [string, string])[];
	readonly counters: Partial<Record<PoolReading["counter"], number>>;
	quoted: PoolCounters["quoted"];
	quotesInUse: boolean;
}

function readLine(page: Page, line: string, start: number): void {
	const ascii = /^[\x20-\x7e\t]*$/.test(line);
	const sample = parseSample(ascii ? line : quote(page.bytes, start, start + line.length, line.length));
	if ("expected" in sample) {
		page.badLines++;
		addFlaw(page, "malformed", `expected ${sample.expected}`, line, ascii ? start + sample.column : start);
		return;
	}
	page.seriesCount++;
	const reading = readPoolName(sample.name);
	if (reading !== undefined) readPool(page, reading, sample, { start, end: start + line.length });
	else if (!page.runtime.read(sample) && !page.toldOthers) {
		page.toldOthers = true;
		addFlaw(page, "malformed", "the page is of several processes: values of the first are read", line, start);
	}
}

function readPool(
	page: Page,
	given: PoolReading,
	sample: MetricSample,
	at: { start: number; end: number },
): void {
	if (!Number.isFinite(sample.value)) return;
	const reading = withStatus(given, sample.labels.get("status"));
	if (reading === undefined) return;
	const labels = [...sample.labels]
		.filter(([key]) => key !== "status")
		.toSorted(([a], [b]) => (a < b ? -1 : 1));
	const key = JSON.stringify([reading.family, reading.namespace, labels]);
	let pool = page.pools.get(key);
	const quoted = () => ({ text: quote(page.bytes, at.start, at.end, at.end - at.start), offset: at.start });
	if (pool === undefined) {
		if (page.pools.size === POOLS_MAX) {
			addFlaw(page, "truncated", `more than ${POOLS_MAX} pools`, "", at.start);
			return;
		}
		pool = { reading, labels, counters: {}, quoted: quoted(), quotesInUse: false };
		page.pools.set(key, pool);
	}
	const { counter, scale, weak } = reading;
	if (weak && pool.counters[counter] !== undefined) return;
	pool.counters[counter] = sample.value * scale;
	if (counter === "inUse" && !pool.quotesInUse) {
		pool.quoted = quoted();
		pool.quotesInUse = true;
	}
}

/** otelsql gives what is in use and what is idle as two series of `open`, told apart by a label. */
function withStatus(reading: PoolReading, status: string | undefined): PoolReading | undefined {
	if (reading.family !== "otelsql" || reading.counter !== "open" || status === undefined) return reading;
	if (status === "inuse") return { ...reading, counter: "inUse" };
	return status === "idle" ? { ...reading, counter: "idle" } : undefined;
}

/** Labels that name a pool, best first. */
const NAME_LABELS = [
	"db_name",
	"pool",
	"pool_name",
	"db_client_connection_pool_name",
	"db_client_connections_pool_name",
	"db_namespace",
	"database",
	"db",
	"name",
];

/** Pools of one family must not share a name: where they would, the other labels are added. */
function* namedPools(drafts: ReadonlyMap<string, PoolDraft>): Generator<PoolCounters> {
	const nameOf = ({ reading, labels }: PoolDraft) => {
		const label = NAME_LABELS.find((wanted) => labels.some(([key]) => key === wanted));
		return labels.find(([key]) => key === label)?.[1] ?? reading.namespace;
	};
	const uses = new Map<string, number>();
	const keyOf = (draft: PoolDraft) => `${draft.reading.family} ${nameOf(draft)}`;
	for (const draft of drafts.values()) uses.set(keyOf(draft), (uses.get(keyOf(draft)) ?? 0) + 1);
	for (const draft of drafts.values()) {
		const alone = uses.get(keyOf(draft)) === 1;
		const labels = draft.labels.map(([key, value]) => `${key}="${value}"`).join(",");
		const { family, namespace } = draft.reading;
		const name = alone ? nameOf(draft) : `${namespace}{${labels}}`;
		yield { family, name, ...withOpen(draft.counters), quoted: draft.quoted };
	}
}

/** Where only the parts are exposed, open connections are their sum. */
function withOpen(counters: PoolDraft["counters"]): PoolDraft["counters"] {
	const { open, inUse, idle } = counters;
	return open === undefined && inUse !== undefined && idle !== undefined
		? { ...counters, open: inUse + idle }
		: counters;
}

function addFlaw(page: Page, kind: "malformed" | "truncated", why: string, line: string, at: number): void {
	const found = line === "" ? "" : `, in "${line.slice(0, QUOTE_CHARS_MAX)}"`;
	page.flaws[kind](why + found, at);
}

const decoder = new TextDecoder();

function quote(bytes: Uint8Array, start: number, end: number, charsMax = QUOTE_CHARS_MAX): string {
	const part = bytes.subarray(start, end < 0 ? bytes.length : end);
	return decoder.decode(part.subarray(0, charsMax));
}
