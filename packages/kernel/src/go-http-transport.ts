/**
 * How an *http.Transport of a running Go program is set, read from its memory: whether it keeps connections, and
 * how many idle ones.
 *
 * ```
 *             DisableKeepAlives DisableCompression MaxIdleConns MaxIdleConnsPerHost MaxConnsPerHost IdleConnTimeout
 * Go 1.18-1.19       168               169             176              184               192            200
 * Go 1.20-1.22       176               177             184              192               200            208
 * Go 1.23-1.27       232               233             240              248               256            264
 * ```
 *
 * By unsafe.Offsetof in each version; a later one is refused rather than guessed. The address comes from a
 * connection, so it is one of a Transport; but one that was made for a single request may be gone since, and its
 * memory another's. So its values have to be such as settings are.
 */
import type { HttpTransport } from "@plumbline/signals/ledger";
import { WORD } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";
import { type Reading, read, refused } from "./reading.ts";

type TransportSettings = Omit<HttpTransport, "owner">;

const MINOR_MIN = 18;
const LAYOUTS: readonly { readonly minorMax: number; readonly settings: number }[] = [
	{ minorMax: 19, settings: 168 },
	{ minorMax: 22, settings: 176 },
	{ minorMax: 27, settings: 232 },
];
/** Two booleans in their word, three counts, a duration. */
const SETTINGS_BYTES = 5 * WORD;
/** More than any transport is told to keep. */
const CONNECTIONS_MAX = 10_000_000n;
const NS_PER_MS = 1_000_000n;
const TIMEOUT_NS_MAX = 366n * 86_400_000n * NS_PER_MS;

/** `transport` is its address, `goVersion` as build info tells it: `go1.22.12`. */
export function readHttpTransport(
	memory: Pick<ProcessMemory, "read">,
	transport: number,
	goVersion: string,
): Reading<TransportSettings> {
	const minor = Number(/\bgo1\.(\d+)/.exec(goVersion)?.[1] ?? Number.NaN);
	const layout = LAYOUTS.find(({ minorMax }) => minor <= minorMax);
	if (layout === undefined || minor < MINOR_MIN) {
		const known = `${MINOR_MIN} to 1.${LAYOUTS.at(-1)?.minorMax}`;
		return refused(
			"unsupported",
			`the layout of http.Transport in "${goVersion}" is not known (1.${known} are)`,
		);
	}
	const bytes = memory.read(transport + layout.settings, SETTINGS_BYTES);
	if (bytes === undefined) return refused("failed", `nothing can be read at 0x${transport.toString(16)}`);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const [off, compression] = [view.getUint8(0), view.getUint8(1)];
	const [maxIdle, maxIdlePerHost, maxPerHost, timeoutNs] = [1, 2, 3, 4].map((word) =>
		view.getBigInt64(word * WORD, true),
	);
	const counts = [maxIdle, maxIdlePerHost, maxPerHost];
	const sound =
		off <= 1 &&
		compression <= 1 &&
		counts.every((n) => n !== undefined && n > -CONNECTIONS_MAX && n < CONNECTIONS_MAX) &&
		timeoutNs !== undefined &&
		timeoutNs >= 0n &&
		timeoutNs < TIMEOUT_NS_MAX;
	if (!sound)
		return refused("failed", `what lies at 0x${transport.toString(16)} is no http.Transport any more`);
	return read({
		keepAlivesOff: off === 1,
		maxIdle: Number(maxIdle),
		maxIdlePerHost: Number(maxIdlePerHost),
		idleTimeoutMs: Number(timeoutNs / NS_PER_MS),
	});
}
