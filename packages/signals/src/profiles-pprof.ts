/**
 * Decodes a pprof profile: the protocol buffer that `/debug/pprof/heap`, `cpu.prof` and their like are, with
 * its gzip undone. Whoever wrote it, whatever it counts.
 *
 *     0a 04 08 01 10 02               sample_type { type: 1, unit: 2 }          strings by their index
 *     12 07 0a 02 01 02 12 01 05      sample { location_id: [1, 2], value: [5] }     innermost call first
 *     22 08 08 01 22 04 08 01 10 2a   location { id: 1, line: { function_id: 1, line: 42 } }
 *     2a 06 08 01 10 03 20 04         function { id: 1, name: 3, filename: 4 }
 *     32 00  32 03 "cpu"              string_table: "", "cpu", ...
 *
 * Specification: proto/profile.proto of github.com/google/pprof, as of July 2025. Fields come in any order, and
 * Go writes the strings last: a profile that was cut has its samples and their addresses, but no names.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { OnDemand, Profile, ValueType } from "./profiles.ts";
import { LocationFrames } from "./profiles-pprof-frames.ts";
import { labelsIn } from "./profiles-pprof-labels.ts";
import { type PprofContext, SampleReader } from "./profiles-pprof-samples.ts";
import { ProfileScan, type TypeRecord } from "./profiles-pprof-scan.ts";
import { StackReader } from "./profiles-pprof-stacks.ts";
import { Strings } from "./profiles-pprof-strings.ts";
import { labelTexts } from "./profiles-pprof-texts.ts";
import { Wire } from "./protobuf-wire.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** `bytes` without gzip. Never throws; takes time and memory in proportion to the bytes. */
export function decodePprof(bytes: Uint8Array): Decoded<Profile> {
	const flaws = new Flaws();
	const scan = new ProfileScan(bytes, flaws);
	if (scan.foreign) return { kind: "foreign", found: quoteBytes(bytes) };
	const strings = new Strings(bytes, scan, flaws);
	const frames = new LocationFrames(bytes, scan, strings, flaws);
	const stackReader = new StackReader(bytes, scan.locations.ids, frames);
	const value = profileOf({ bytes, scan, strings, stackReader, flaws });
	return { kind: "decoded", value, flaws: flaws.list() };
}

function profileOf(context: PprofContext): Profile {
	const { bytes, scan, strings, stackReader } = context;
	const typeOf = ({ type, unit }: TypeRecord): ValueType => {
		strings.check(type, 0);
		strings.check(unit, 0);
		return { type: strings.at(type), unit: strings.at(unit) };
	};
	const reader = new SampleReader(context);
	const wire = new Wire(bytes);
	const { count, stacks, labels } = reader;
	const { periodType, period, timeNanos, durationNanos } = scan;
	for (const index of scan.mappingNames) strings.check(index, 0);
	const defaultType = strings.at(scan.defaultType);
	return {
		types: scan.types.map(typeOf),
		...(defaultType === "" ? {} : { defaultType }),
		...(periodType === undefined ? {} : { period: { ...typeOf(periodType), value: period } }),
		...(timeNanos === 0n ? {} : { timeNanos }),
		...(durationNanos === 0n ? {} : { durationNanos }),
		count,
		values: reader.values.subarray(0, count * scan.types.length),
		stacks: onDemand(reader.stackCount, (i) => stackReader.frames(stacks.start(i), stacks.end(i))),
		stackOf: reader.stackOf.subarray(0, count),
		labels: {
			...onDemand(labels.length, (i) => labelsIn(wire, labels.start(i), labels.end(i), strings)),
			texts: () => labelTexts(bytes, labels, strings),
		},
		labelsOf: reader.labelsOf.subarray(0, count),
		comments: scan.comments.map((index) => strings.at(index)),
	};
}

function onDemand<T>(length: number, make: (index: number) => T): OnDemand<T> {
	return { length, at: (index) => (index >= 0 && index < length ? make(index) : undefined) };
}
