/** What the pictures of goroutines say in the same words. */
import type { IsApplication } from "@plumbline/diagnosis/application";
import type { ClusterChange } from "@plumbline/diagnosis/cluster-diff";
import type { Family } from "@plumbline/diagnosis/cluster-families";
import type { Cluster, Clusters } from "@plumbline/diagnosis/clusters";
import type { GoroutineGroup } from "@plumbline/diagnosis/goroutine-groups";
import { percent } from "./phrases.ts";

/** One picture, and where it is from. */
export interface GoroutinesTold {
	/** The file, or the address. */
	readonly name: string;
	/** What was read of it: `full dump`, `grouped profile`. */
	readonly source: string;
	readonly clusters: Clusters;
	readonly isApplication: IsApplication;
	/** What was repaired, lost or left out on the way. */
	readonly notes: readonly string[];
	/** Some lines of a goroutine as it was read. */
	readonly quote?: (group: GoroutineGroup) => string;
}

export function goroutines(count: number): string {
	return count === 1 ? "1 goroutine" : `${count} goroutines`;
}

export function groupCount(count: number): string {
	return count === 1 ? "1 group" : `${count} groups`;
}

/** `pool: database/sql.(*DB).conn`. */
export function whatItDoes({ kind, blocking }: Pick<Cluster | ClusterChange, "kind" | "blocking">): string {
	const where = blocking === "" ? "no frames" : blocking;
	// A grouped profile in text form tells no state.
	return kind === "other" ? where : `${kind}: ${where}`;
}

export function shareOf(count: number, total: number): string {
	if (total === 0 || count === total) return "";
	const share = count / total;
	return share < 0.01 ? " (under 1 %)" : ` (${percent(share)})`;
}

/** `0 to 90 minutes, median 45`. */
export function agesInWords(least: number, most: number, median: number | undefined): string {
	if (least === most) return minutes(most);
	return `${least} to ${minutes(most)}${median === undefined ? "" : `, median ${median}`}`;
}

function minutes(count: number): string {
	return count === 1 ? "1 minute" : `${count} minutes`;
}

/** `1000 x { stream.(*Conn).read, stream.(*Conn).write }`. */
export function familyInWords({ count, members }: Family): string {
	return `${count} x { ${members.map(({ entry }) => entry).join(", ")} }`;
}
