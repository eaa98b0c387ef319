/** The join: the three lines of one service laid over each other, ready for the rules to look at. */
import type { Signals } from "@plumbline/signals/signals";
import { applicationTest, type IsApplication } from "./application.ts";
import { type DnsCheckView, dnsCheckView } from "./dns-check-view.ts";
import { type DnsView, dnsView } from "./dns-view.ts";
import { type DumpView, dumpView } from "./dump-view.ts";
import { type GoroutineSample, goroutineSamples } from "./goroutine-samples.ts";
import { abandonedHandles, type Handle, persistentHandles } from "./handles.ts";
import { type LedgerView, ledgerView } from "./ledger-view.ts";
import { type PoolView, poolViews } from "./pool-view.ts";
import { type ServiceSessions, serviceSessions } from "./session-history.ts";
import { type SiblingSite, siblingSites } from "./siblings.ts";
import { type SocketView, socketView } from "./sockets-view.ts";
import { type TcpLifeView, tcpLifeView } from "./tcp-life-view.ts";

export interface World {
	readonly signals: Signals;
	readonly isApplication: IsApplication;
	/** Full dumps in order. `persistence` below needs two. */
	readonly dumps: readonly DumpView[];
	readonly firstDump: DumpView | undefined;
	/** The same as `firstDump` when there is only one. */
	readonly lastDump: DumpView | undefined;
	/** There were two full dumps, so that what is in both has lasted the window. */
	readonly spansWindow: boolean;
	/**
	 * Handles open through the whole window. With one dump only: those whose opener has ended or moved on,
	 * which is as telling but shows fewer.
	 */
	readonly handles: readonly Handle[];
	readonly pools: readonly PoolView[];
	readonly sessions: ServiceSessions | undefined;
	/** Server port of the database, where sessions were read. */
	readonly databasePort: number | undefined;
	readonly sockets: SocketView | undefined;
	/** How the connections came and went between the ends of the window. */
	readonly tcpLife: TcpLifeView | undefined;
	/** Every reading of all goroutines, full dump or grouped profile, in the order of time. */
	readonly samples: readonly GoroutineSample[];
	/** Who looked names up, and what left the host for it. */
	readonly dns: DnsView;
	/** What its name servers answered beside trusted ones. */
	readonly dnsCheck: DnsCheckView | undefined;
	/** Who took connections in the window, and did not give them back. */
	readonly ledger: LedgerView | undefined;
	/** Where live goroutines were seen borrowing connections, in any sample. */
	readonly siblings: readonly SiblingSite[];
}

export function joinLines(signals: Signals): World {
	const isApplication = applicationTest(signals.build?.value);
	const startMs = signals.window.start.monoMs;
	const dumps = signals.goroutines.map((sampled) => dumpView(sampled, startMs, isApplication));
	const firstDump = dumps[0];
	const lastDump = dumps.at(-1);
	const two = firstDump !== undefined && lastDump !== undefined && firstDump !== lastDump;
	const samples = goroutineSamples(signals, dumps);
	return {
		signals,
		isApplication,
		dumps,
		firstDump,
		lastDump,
		spansWindow: two,
		handles: two ? persistentHandles(firstDump, lastDump) : lastDump ? abandonedHandles(lastDump) : [],
		pools: poolViews(signals),
		sessions: serviceSessions(signals),
		// A pasted list of sessions does not tell it.
		databasePort: signals.sessions[0]?.value.server.port || undefined,
		sockets: socketView(signals),
		tcpLife: tcpLifeView(signals),
		samples,
		dnsCheck: dnsCheckView(signals),
		dns: dnsView({ signals, dumps, samples, isApplication }),
		ledger: ledgerView(signals, lastDump, isApplication),
		siblings: siblingSites(signals, dumps, isApplication),
	};
}
