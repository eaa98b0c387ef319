/** How times, sizes, rates and places are written in the configuration: `250ms`, `64KiB`, `100/s`, `[::1]:8080`. */
import { isIP } from "node:net";

const MS_OF = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES_OF = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, kB: 1e3, MB: 1e6, GB: 1e9 } as const;

export const DURATION_PATTERN = /^(?:0|\d+(?:\.\d+)?(?:ms|s|m|min|h|d))$/;
export const SIZE_PATTERN = /^(?:0|\d+(?:\.\d+)?(?:B|KiB|MiB|GiB|kB|MB|GB))$/;
export const RATE_PATTERN = /^\d+\/(?:\d+(?:\.\d+)?)?(?:ms|s|m|min|h|d)$/;
export const SHARE_PATTERN = /^\d+(?:\.\d+)?%$/;

/** In milliseconds. */
export function durationMs(text: string): number | undefined {
	return amount(DURATION_PATTERN, text, MS_OF);
}

export function sizeBytes(text: string): number | undefined {
	return amount(SIZE_PATTERN, text, BYTES_OF);
}

/** `100/s`, `5/min`, `20/10s`. */
export function rate(text: string): { readonly requests: number; readonly perMs: number } | undefined {
	if (!RATE_PATTERN.test(text)) return undefined;
	const [requests = "", per = ""] = text.split("/");
	const perMs = durationMs(/^\d/.test(per) ? per : `1${per}`);
	return perMs === undefined ? undefined : { requests: Number(requests), perMs };
}

/** `5%` as 0.05. */
export function share(text: string): number | undefined {
	// 100 first: 5 / 100 is 0.05, 5 * 0.01 is not.
	return SHARE_PATTERN.test(text) ? Number.parseFloat(text) / 100 : undefined;
}

export interface Place {
	readonly host: string | undefined;
	readonly port: number | undefined;
	readonly path: string | undefined;
}

const PORT_MAX = 65_535;
/** Of a unix socket's name, in octets; sun_path has one more for its end. */
const SOCKET_PATH_MAX = 107;

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` for all addresses, `unix:/run/gateway.sock`. */
export function place(text: string): Place | undefined {
	const [, path] = /^unix:(\/.+)$/.exec(text) ?? [];
	if (path !== undefined) {
		const fits = Buffer.byteLength(path) <= SOCKET_PATH_MAX;
		return fits ? { host: undefined, port: undefined, path } : undefined;
	}
	const [, bracketed, plain = "", digits = ""] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
	const port = Number(digits);
	if (digits === "" || port > PORT_MAX) return undefined;
	if (bracketed !== undefined) {
		return isIP(bracketed) === 6 ? { host: bracketed, port, path: undefined } : undefined;
	}
	if (plain === "") return { host: "::", port, path: undefined };
	return isIP(plain) === 4 ? { host: plain, port, path: undefined } : undefined;
}

/** As `place` reads it. */
export function placeText({ host, port, path }: Place): string {
	if (path !== undefined) return `unix:${path}`;
	return hostPort(host ?? "", port ?? 0);
}

export function hostPort(host: string, port: number): string {
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `250ms`, `10s`, `1h`, as a person would write it; `none` for Infinity. */
export function durationText(ms: number): string {
	if (ms === Infinity) return "none";
	if (ms === 0) return "0";
	for (const unit of ["d", "h", "m", "s"] as const)
		if (ms % MS_OF[unit] === 0) return `${ms / MS_OF[unit]}${unit}`;
	return `${ms}ms`;
}

export function sizeText(bytes: number): string {
	if (bytes === Infinity) return "none";
	if (bytes === 0) return "0";
	for (const unit of ["GiB", "MiB", "KiB"] as const)
		if (bytes % BYTES_OF[unit] === 0) return `${bytes / BYTES_OF[unit]}${unit}`;
	return `${bytes}B`;
}

function amount(pattern: RegExp, text: string, units: Readonly<Record<string, number>>): number | undefined {
	if (!pattern.test(text)) return undefined;
	const [, digits = "0", unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? [];
	const value = Number(digits) * (unit === "" ? 1 : (units[unit] ?? Number.NaN));
	return Number.isFinite(value) ? Math.round(value) : undefined;
}
