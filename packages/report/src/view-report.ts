/** All that the HTML report draws besides the diagnosis itself, computed from the same capture. Plain data. */
import { applicationTest, type IsApplication } from "@plumbline/diagnosis/application";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import type { Capture } from "@plumbline/signals/capture";
import type { Ledger } from "@plumbline/signals/ledger";
import type { Signals } from "@plumbline/signals/signals";
import type { TcpLife } from "@plumbline/signals/tcp-life";
import { type CrowdView, crowdView } from "./view-crowd.ts";
import { type Excerpt, excerptsOf } from "./view-excerpts.ts";
import { type PoolCharts, poolCharts } from "./view-pools.ts";
import { type TimeView, timeView } from "./view-time.ts";

export interface ReportView {
	/** Version of Plumbline that took the capture. */
	readonly takenBy: string;
	readonly time: TimeView;
	readonly pools: PoolCharts;
	readonly crowd?: CrowdView;
	readonly ledger?: Ledger;
	readonly tcpLife?: TcpLife;
	readonly excerpts: ReadonlyMap<string, Excerpt>;
	readonly isApplication: IsApplication;
	readonly parts: readonly PartFacts[];
}

export interface PartFacts {
	readonly name: string;
	readonly bytes: number;
	readonly source: string;
	readonly truncated?: string;
}

export function reportView(
	diagnosis: Diagnosis,
	signals: Signals,
	{ parts, takenBy }: Pick<Capture, "parts" | "takenBy">,
): ReportView {
	const crowd = crowdView(signals);
	const ledger = signals.ledgers.at(-1)?.value;
	const tcpLife = signals.tcpLife.at(-1)?.value;
	return {
		takenBy,
		time: timeView(signals, diagnosis),
		pools: poolCharts(signals),
		...(crowd === undefined ? {} : { crowd }),
		...(ledger === undefined ? {} : { ledger }),
		...(tcpLife === undefined ? {} : { tcpLife }),
		excerpts: excerptsOf(
			diagnosis.findings.flatMap(({ evidence }) => evidence),
			parts,
		),
		isApplication: applicationTest(signals.build?.value),
		parts: parts.map(({ name, bytes, source, truncated }) => ({
			name,
			bytes: bytes.length,
			source,
			...(truncated === undefined ? {} : { truncated }),
		})),
	};
}
