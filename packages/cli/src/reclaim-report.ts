/** What a clean-up found, did and left, as data: the JSON is this, and the text is made from it. */
import type { NetworkSysctls } from "@plumbline/kernel/network-sysctls";
import { ageMs, type ReclaimPlan, type SparedCode } from "@plumbline/kernel/reclaim-plan";
import type { ReclaimFlags } from "./reclaim-flags.ts";
import { localEnd } from "./reclaim-log.ts";

export interface SparedReport {
	readonly code: SparedCode;
	readonly count: number;
	readonly why: string;
	/** Our end of the first such socket. */
	readonly example: string;
}

export interface PlanReport {
	readonly schema: "plumbline.reclaim/1";
	readonly peer: { readonly ip: string; readonly port: number };
	/** Whose network namespace; absent for ours. */
	readonly pid?: number;
	readonly dryRun: boolean;
	readonly cure: readonly string[];
	readonly settings: Partial<NetworkSysctls>;
	/** Sockets that fit, oldest first. */
	readonly take: { readonly count: number; readonly oldestMs?: number; readonly youngestMs?: number };
	readonly spared: readonly SparedReport[];
	/** What could not be seen, and why. */
	readonly notes: readonly string[];
}

export interface OutcomeReport {
	readonly asked: number;
	readonly destroyed: number;
	/** Ended by themselves, or their ports serve a live connection now: left alone. */
	readonly gone: number;
	readonly failed: number;
	/** Of those asked for, still in the table at the recount. Absent when the recount failed. */
	readonly remaining?: number;
	readonly interrupted: boolean;
	/** Why it ended early, or less was done than asked. */
	readonly why: readonly string[];
}

export function planReport(
	flags: ReclaimFlags,
	plan: ReclaimPlan,
	settings: Partial<NetworkSysctls>,
	notes: readonly string[],
): PlanReport {
	const [oldest, youngest] = [plan.taken[0], plan.taken.at(-1)];
	return {
		schema: "plumbline.reclaim/1",
		peer: { ip: flags.peer, port: flags.port },
		...(flags.pid === undefined ? {} : { pid: flags.pid }),
		dryRun: flags.yes !== true,
		cure: cure(settings.tcpTwReuse, flags.pid),
		settings,
		take: {
			count: plan.taken.length,
			...(oldest && youngest ? { oldestMs: ageMs(oldest), youngestMs: ageMs(youngest) } : {}),
		},
		spared: plan.spared.map(({ code, count, example }) => {
			return { code, count, why: whySpared(code, flags), example: localEnd(example) };
		}),
		notes,
	};
}

/** What ends the pile for good, before any first aid. */
function cure(tcpTwReuse: number | undefined, pid: number | undefined): readonly string[] {
	const enter = pid === undefined ? "" : `nsenter --target ${pid} --net `;
	const now = tcpTwReuse === undefined ? "" : ` (now ${tcpTwReuse})`;
	return [
		"Keep connections and use them again: one *sql.DB for the whole process with SetMaxIdleConns near SetMaxOpenConns; " +
			"for HTTP one client, MaxIdleConnsPerHost raised, every body read to its end and closed.",
		tcpTwReuse === 1
			? "net.ipv4.tcp_tw_reuse is 1 already: with TCP timestamps on both ends a port is free again after a second."
			: `Then let new connections reuse ports after a second: ${enter}sysctl -w net.ipv4.tcp_tw_reuse=1${now}. It needs TCP timestamps on both ends, the default.`,
		"Never lower net.ipv4.tcp_max_tw_buckets: beyond it the kernel drops TIME_WAIT of every peer, young ones and public ones too, silently.",
	];
}

function whySpared(code: SparedCode, { olderThan, max }: ReclaimFlags): string {
	switch (code) {
		case "not-time-wait":
			return "not in TIME_WAIT";
		case "other-peer":
			return "to another address with this port";
		case "public-address":
			return "our own end has a public address";
		case "no-cookie":
			return "without a cookie a live connection could be hit";
		case "repeated":
			return "listed twice by the kernel";
		case "too-young":
			return `in TIME_WAIT for less than ${olderThan / 1000} s`;
		case "over-max":
			return `more than --max ${max}; the oldest go first`;
		default:
			return code satisfies never;
	}
}
