/**
 * The cache as a file, so that a resolver that starts again does not start empty.
 *
 *      0   8  "PLDNSC", version 1, line feed
 *      8   8  float64, big-endian as all numbers: when it was written, milliseconds since 1970
 *     16   .  entries, the one least lately asked for first:
 *                0  1  bit 0 DO, bit 1 authenticated
 *                1  1  holds for: 0 whoever tells no network, 1 everybody, 4 an IPv4 network, 6 an IPv6 one
 *                2  1  bits of the network
 *                3  1  0
 *                4  4  TTL in seconds, counted from when it was stored
 *                8  8  float64: its age when the file was written, milliseconds
 *               16 16  the network; IPv4 in the first four octets
 *               32  4  octets of the message, which follows in wire form
 *     end-32  32  SHA-256 of all before it
 *
 * Ages go on while nobody runs, by the wall clock. If that stands before the time of writing nobody knows how old
 * anything is, and nothing is taken. Every message is read as if a server had just sent it, so a file cannot bring in
 * what an answer could not.
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { ageOf, type TtlRules } from "@plumbline/policy/ttl-rules";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import type { CacheEntry, DnsCache, RawEntry } from "./cache.ts";
import type { Scope } from "./cache-scope.ts";
import { relevantAnswer } from "./relevant-answer.ts";
import { storedAnswer } from "./stored-answer.ts";

export type SnapshotRead =
	| { readonly kind: "read"; readonly entries: number }
	/** The first start. */
	| { readonly kind: "absent" }
	| { readonly kind: "gap"; readonly why: string };

export interface SnapshotTimes {
	/** Monotonic. */
	readonly nowMs: number;
	/** Since 1970. */
	readonly wallMs: number;
}

/** A file that is larger is not read, and none is written. */
const SNAPSHOT_OCTETS_MAX = 256 * 1024 * 1024;
const MAGIC = Buffer.from("PLDNSC\x01\n", "latin1");
const HEADER_OCTETS = 16;
const ENTRY_OCTETS = 36;
const DIGEST_OCTETS = 32;
const CHUNK_OCTETS = 1024 * 1024;
/** Its owner's alone. */
const MODE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;

const DNSSEC_OK = 1;
const AUTHENTICATED = 2;

/**
 * Written beside it and then put in its place: there is never half a file. Answers why it could not. Taking the entries
 * holds up everything else for about 1 ms per thousand; the writing does not.
 */
export async function writeSnapshot(
	path: string,
	cache: DnsCache,
	times: SnapshotTimes,
): Promise<string | undefined> {
	const chunks = chunksOf(cache, times);
	if (chunks === undefined) return `it would be longer than ${SNAPSHOT_OCTETS_MAX} octets`;
	const beside = `${path}.${randomBytes(6).toString("hex")}.new`;
	try {
		const file = await open(beside, "wx", MODE);
		try {
			for (const chunk of chunks) await file.writeFile(chunk);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(beside, path);
		return undefined;
	} catch (error) {
		await unlink(beside).catch(() => undefined);
		return String(error);
	}
}

function chunksOf(cache: DnsCache, { nowMs, wallMs }: SnapshotTimes): Buffer[] | undefined {
	const hash = createHash("sha256");
	const chunks: Buffer[] = [];
	let pieces: Uint8Array[] = [];
	let waiting = 0;
	let octets = 0;
	const add = (piece: Uint8Array) => {
		pieces.push(piece);
		waiting += piece.length;
		octets += piece.length;
	};
	const flush = () => {
		const chunk = Buffer.concat(pieces);
		hash.update(chunk);
		chunks.push(chunk);
		pieces = [];
		waiting = 0;
	};
	const header = Buffer.alloc(HEADER_OCTETS);
	MAGIC.copy(header);
	header.writeDoubleBE(wallMs, MAGIC.length);
	add(header);
	for (const entry of cache.raw()) {
		add(entryHeader(entry, nowMs));
		add(entry.octets);
		if (octets > SNAPSHOT_OCTETS_MAX - DIGEST_OCTETS) return undefined;
		if (waiting >= CHUNK_OCTETS) flush();
	}
	flush();
	return [...chunks, hash.digest()];
}

function entryHeader(
	{ ask, scope, authenticated, storedAtMs, ttlS, octets }: RawEntry,
	nowMs: number,
): Buffer {
	const out = Buffer.alloc(ENTRY_OCTETS);
	out[0] = (ask.dnssecOk === true ? DNSSEC_OK : 0) | (authenticated ? AUTHENTICATED : 0);
	if (scope.kind === "everybody") out[1] = 1;
	if (scope.kind === "network") {
		out[1] = scope.family === "ipv4" ? 4 : 6;
		out[2] = scope.prefix;
		out.set(scope.octets, 16);
	}
	out.writeUInt32BE(ttlS, 4);
	out.writeDoubleBE(Math.max(0, nowMs - storedAtMs), 8);
	out.writeUInt32BE(octets.length, 32);
	return out;
}

/** Puts what still serves into the cache. Synchronous: it is read once, before anybody asks. */
export function readSnapshot(
	path: string,
	cache: DnsCache,
	rules: TtlRules,
	times: SnapshotTimes,
): SnapshotRead {
	const file = contentOf(path);
	if (file.kind !== "content") return file;
	const { bytes } = file;
	if (bytes.length < HEADER_OCTETS + DIGEST_OCTETS || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
		return gap("it is no snapshot of this version");
	const end = bytes.length - DIGEST_OCTETS;
	const digest = createHash("sha256").update(bytes.subarray(0, end)).digest();
	if (!digest.equals(bytes.subarray(end))) return gap("it is damaged or cut short");
	const downMs = times.wallMs - bytes.readDoubleBE(MAGIC.length);
	if (!(downMs >= 0)) return gap("it was written later than it is now, by the clock of this host");
	let entries = 0;
	for (let at = HEADER_OCTETS; at < end; ) {
		const length = at + ENTRY_OCTETS <= end ? bytes.readUInt32BE(at + 32) : end;
		const next = at + ENTRY_OCTETS + length;
		if (next > end)
			return entries === 0 ? gap("an entry is longer than the file") : { kind: "read", entries };
		const entry = entryOf(bytes.subarray(at, next), rules, times.nowMs - downMs, times.nowMs);
		if (entry !== undefined && cache.put(entry, times.nowMs) === "kept") entries++;
		at = next;
	}
	return { kind: "read", entries };
}

function contentOf(
	path: string,
): { readonly kind: "content"; readonly bytes: Buffer } | Exclude<SnapshotRead, { kind: "read" }> {
	let descriptor: number | undefined;
	try {
		descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
		const about = fstatSync(descriptor);
		if (!about.isFile()) return gap("it is no regular file");
		if (about.uid !== process.geteuid?.()) return gap("it belongs to another user");
		if ((about.mode & WRITABLE_BY_OTHERS) !== 0) return gap("others may write to it");
		if (about.size > SNAPSHOT_OCTETS_MAX) return gap(`it is longer than ${SNAPSHOT_OCTETS_MAX} octets`);
		const bytes = Buffer.alloc(about.size);
		let read = 0;
		for (let more = 1; more > 0 && read < bytes.length; read += more)
			more = readSync(descriptor, bytes, read, bytes.length - read, null);
		return { kind: "content", bytes: bytes.subarray(0, read) };
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return { kind: "absent" };
		return gap(String(error));
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** Undefined: it is not what a cache could have written, or it is too old to be of use. */
function entryOf(bytes: Buffer, rules: TtlRules, writtenAtMs: number, nowMs: number): CacheEntry | undefined {
	const ageMs = bytes.readDoubleBE(8);
	const scope = scopeOf(bytes);
	if (!(ageMs >= 0) || scope === undefined) return undefined;
	const decoded = decodeDnsMessage(bytes.subarray(ENTRY_OCTETS));
	if (decoded.kind !== "decoded") return undefined;
	const { message } = decoded;
	const question = message.questions[0];
	if (question === undefined) return undefined;
	const flags = bytes[0] ?? 0;
	const ask = {
		question,
		dnssecOk: (flags & DNSSEC_OK) !== 0,
		checkingDisabled: message.checkingDisabled,
	};
	const answer = relevantAnswer(question, message, ask.dnssecOk);
	if (answer.kind !== "records" && answer.kind !== "no-data" && answer.kind !== "nxdomain") return undefined;
	const authenticated = (flags & AUTHENTICATED) !== 0;
	const stored = storedAnswer(ask, answer, authenticated, rules);
	if (stored.ttlS === undefined) return undefined;
	const ttlS = Math.min(stored.ttlS, bytes.readUInt32BE(4));
	const storedAtMs = writtenAtMs - ageMs;
	if (ageOf(rules, { storedAtMs, ttlS }, nowMs).kind === "gone") return undefined;
	return { ask, answer: { ...stored, ttlS }, scope, authenticated, storedAtMs };
}

function scopeOf(bytes: Buffer): Scope | undefined {
	const prefix = bytes[2] ?? 0;
	const network = (family: "ipv4" | "ipv6", length: number): Scope | undefined => {
		if (prefix === 0 || prefix > length * 8) return undefined;
		return { kind: "network", family, prefix, octets: Uint8Array.from(bytes.subarray(16, 16 + length)) };
	};
	switch (bytes[1]) {
		case 0:
			return { kind: "unasked" };
		case 1:
			return { kind: "everybody" };
		case 4:
			return network("ipv4", 4);
		case 6:
			return network("ipv6", 16);
		default:
			return undefined;
	}
}

function gap(why: string): SnapshotRead & { kind: "gap" } {
	return { kind: "gap", why };
}
