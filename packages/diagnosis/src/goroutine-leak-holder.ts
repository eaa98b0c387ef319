/**
 * Where to look for the fault of goroutines that never go on: the line of the service they wait at; the call that made
 * them where that line is a library's; for a lock the place where it is taken a second time.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import { creatorsOf } from "./creators.ts";
import type { Holder } from "./finding.ts";
import type { Suspect } from "./goroutine-suspects.ts";
import type { World } from "./world.ts";

/** They wait at this line themselves. */
const WAITS_HERE = 0.95;
/** The only code seen reading such a stream. */
const READS_STREAM = 0.7;
/** Generated clients stand between a stream and who asked for it. */
const GENERATED = /(_grpc)?\.pb\.go$/;
/** Who opens a stream may be a helper of all; who reads it is to end it. */
const GRPC_READ = /^google\.golang\.org\/grpc\.\(\*clientStream(Wrapper)?\)\.RecvMsg$/;
const GRPC_CALL = /^google\.golang\.org\/grpc\.\(\*(clientStream|clientStreamWrapper|ClientConn)\)\./;

export function holderOf(world: World, suspect: Suspect): Attribution | undefined {
	const { rows, locks, leaked } = suspect;
	if (locks !== undefined) return ofLocks(locks);
	const made = creatorsOf(world, rows);
	const { lastDump } = world;
	const [row] = rows;
	const own =
		row === undefined || lastDump === undefined
			? leaked?.frames.find(world.isApplication)
			: lastDump.facts(row).application[0];
	if (own !== undefined) {
		const how = "this is the line they wait at";
		const goStatement = made?.holder === undefined ? [] : [made.holder];
		return {
			holder: { ...own, how, confidence: WAITS_HERE },
			candidates: goStatement,
			siblings: [],
		};
	}
	if (made?.holder !== undefined || suspect.kind !== "gRPC stream") return made;
	return ofStreams(world, made);
}

function ofLocks({ place, pastALock, locks }: NonNullable<Suspect["locks"]>): Attribution {
	if (place === undefined)
		return { candidates: [], siblings: [], holderGap: "no code of the service is on their stacks" };
	const how = pastALock
		? `who waits here has taken another lock of these before: with ${locks.length} locks in opposite orders everybody waits for everybody`
		: "everybody waits for the lock here; whoever took it last has left without Unlock, or is in a call that is not seen";
	return { holder: { ...place, how, confidence: pastALock ? 0.9 : 0.7 }, candidates: [], siblings: [] };
}

/** A stream outlives the call that opened it; requests on the same path are caught reading theirs. */
function ofStreams(world: World, made: Attribution | undefined): Attribution {
	const reading = sitesOf(world, GRPC_READ);
	const sites = reading.length > 0 ? reading : sitesOf(world, GRPC_CALL);
	const asHolder = ({ frame, count }: (typeof sites)[number], confidence: number): Holder => ({
		...frame,
		how: `seen ${count} times at work with a stream; the line is where it was seen`,
		confidence,
	});
	const [only] = sites;
	if (only !== undefined && sites.length === 1) {
		return { holder: asHolder(only, READS_STREAM), candidates: [], siblings: [], ...evidenceOf(made) };
	}
	return {
		candidates: [
			...(made?.candidates ?? []),
			...sites.map((site) => asHolder(site, READS_STREAM / sites.length)),
		].slice(0, CANDIDATES_MAX),
		holderGap:
			"the calls that opened the streams have returned, and more than one place or none was seen at work with one; an execution trace names who opens them (`--trace-seconds 5`)",
		siblings: [],
		...evidenceOf(made),
	};
}

interface StreamSite {
	readonly frame: Frame;
	count: number;
}

/** The service's own code, most seen first, that was at work in such a call in any sample. */
function sitesOf(world: World, calls: RegExp): readonly StreamSite[] {
	const seen = new Map<string, StreamSite>();
	const note = (frames: readonly Frame[], count: number): void => {
		const called = frames.findLastIndex(({ func }) => calls.test(func));
		const above = called < 0 ? [] : frames.slice(called);
		const frame = above.find((each) => world.isApplication(each) && !GENERATED.test(each.file));
		if (frame === undefined) return;
		const known = seen.get(frame.func);
		if (known === undefined) seen.set(frame.func, { frame, count });
		else known.count += count;
	};
	for (const { value } of world.signals.goroutineProfiles) {
		for (const { frames, count } of value.records) note(frames, count);
	}
	for (const { table } of world.dumps) {
		for (let row = 0; row < table.count; row++) note(table.stacks[table.stackOf[row] ?? 0]?.frames ?? [], 1);
	}
	return [...seen.values()].sort((a, b) => b.count - a.count);
}

function evidenceOf(made: Attribution | undefined): Pick<Attribution, "evidence"> {
	return made?.evidence === undefined ? {} : { evidence: made.evidence };
}
