/** The admin server's view of all processes: what one does not know by itself is collected from the others. */
import type { AdminAnswer, AdminCommand, AdminView, RecentFailure, WorkerSnapshot } from "./admin-view.ts";
import { mergeMetrics } from "./metrics-merge.ts";
import type { GatewaySettings } from "./settings.ts";
import type { WorkerAnswer } from "./worker-contract.ts";

export interface AdminViewSources {
	settings(): GatewaySettings;
	collect(kind: string): Promise<readonly WorkerAnswer[]>;
	/** In this process. */
	obey(command: AdminCommand): AdminAnswer;
	tellOthers(command: AdminCommand): void;
	/** What only the owner of the processes can do. False: there is none that could. */
	askOwner(what: "drain" | "reload"): boolean;
}

const FAILURES_MAX = 100;

export function adminViewOf(sources: AdminViewSources): AdminView {
	const values = async (kind: string) => (await sources.collect(kind)).map(({ value }) => value);
	return {
		get settings() {
			return sources.settings();
		},
		snapshots: async () => (await values("snapshot")) as WorkerSnapshot[],
		metrics: async () => mergeMetrics((await values("metrics")) as string[]),
		async recentFailures() {
			const all = ((await values("failures")) as RecentFailure[][]).flat();
			return all.sort((a, b) => b.atMs - a.atMs).slice(0, FAILURES_MAX);
		},
		async act(command) {
			const { kind } = command;
			if (kind === "drain" || kind === "reload") {
				if (sources.askOwner(kind)) return { kind: "done", told: `${kind} begins` };
				return { kind: "refused", why: "conflict", told: `nobody here can ${kind} this gateway` };
			}
			const answer = sources.obey(command);
			// Where it cannot be done here, another process would say the same.
			if (answer.kind === "done") sources.tellOthers(command);
			return answer;
		},
	};
}
