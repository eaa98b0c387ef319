/**
 * A group of goroutines as a point: what it does, where it blocks, on whose behalf, with which statement. Two groups
 * are near when most of that is the same. The weights are judgement, not measurement: the operation counts most,
 * since a person asks first what they wait for, and then who sent them there.
 */
import { fingerprintSql } from "@plumbline/signals/sql";
import type { IsApplication } from "./application.ts";
import { functionName, withoutClosure } from "./cluster-stack.ts";
import type { GoroutineGroup } from "./goroutine-groups.ts";
import { blockingFrame, type OperationKind, operationKind } from "./operation-kind.ts";

export interface Features {
	readonly kind: OperationKind;
	/** Function that waits, beneath the primitives of the standard library. */
	readonly blocking: string;
	/** Functions of the service on the stack, without closures' numbers. */
	readonly callers: ReadonlySet<string>;
	/** The function that the go statement started. */
	readonly entry: string;
	/** Fingerprint of the statement that a label tells. */
	readonly statement: string | undefined;
}

const KIND_WEIGHT = 0.3;
const BLOCKING_WEIGHT = 0.25;
const CALLERS_WEIGHT = 0.25;
const ENTRY_WEIGHT = 0.1;
const STATEMENT_WEIGHT = 0.1;

/** Labels that tracing libraries put statements under. */
const STATEMENT_LABEL = /^(?:sql|query|statement|db\.(?:statement|query|query\.text))$/i;
export function featuresOf(group: GoroutineGroup, isApplication: IsApplication): Features {
	const { frames, labels } = group;
	const statement = labels.find(({ key }) => STATEMENT_LABEL.test(key))?.values[0]?.value;
	return {
		kind: operationKind(group),
		blocking: functionName(blockingFrame(frames)?.func ?? ""),
		callers: new Set(frames.filter(isApplication).map(({ func }) => withoutClosure(functionName(func)))),
		entry: withoutClosure(functionName(frames.at(-1)?.func ?? "")),
		statement: statement === undefined ? undefined : fingerprintSql(statement, { engine: "postgres" }),
	};
}

/** 0 for the same, 1 for nothing in common. Symmetric. */
export function distance(a: Features, b: Features): number {
	return (
		(a.kind === b.kind ? 0 : KIND_WEIGHT) +
		(a.blocking === b.blocking ? 0 : BLOCKING_WEIGHT) +
		CALLERS_WEIGHT * (1 - overlap(a.callers, b.callers)) +
		(a.entry === b.entry ? 0 : ENTRY_WEIGHT) +
		(a.statement === b.statement ? 0 : STATEMENT_WEIGHT)
	);
}

/** Share of all that is in both; two empty sets are the same. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
	if (a.size === 0 && b.size === 0) return 1;
	let both = 0;
	for (const it of a) if (b.has(it)) both++;
	return both / (a.size + b.size - both);
}
