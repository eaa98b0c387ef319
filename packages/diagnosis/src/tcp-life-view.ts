/** How the process's connections came and went over the window, peer by peer, with its words for evidence. */
import type { Gap } from "@plumbline/signals/capture";
import type { Signals } from "@plumbline/signals/signals";
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import { seconds } from "./evidence.ts";
import type { Evidence } from "./finding.ts";

export interface TcpLifeView {
	readonly life: TcpLife;
	readonly part: string;
	readonly atMs: number;
	/** The peers the process dials. */
	readonly dialled: readonly TcpPeer[];
}

/** A change needs some looks before it is a habit. */
const LOOKS_MIN = 4;
/** Of the pauses between looks those that saw something new, from which on it goes on all the time. */
const SUSTAINED_SHARE_MIN = 0.6;

export function tcpLifeView({ tcpLife, window }: Signals): TcpLifeView | undefined {
	const sampled = tcpLife.at(-1);
	if (sampled === undefined) return undefined;
	const { part, value } = sampled;
	return {
		life: value,
		part: part.name,
		atMs: part.end.monoMs - window.start.monoMs,
		dialled: value.peers.filter(({ direction }) => direction === "out"),
	};
}

/** Closes by this side went on through the window, rather than in one burst. */
export function closesAllAlong({ life }: TcpLifeView, { timeWait }: TcpPeer): boolean {
	return life.looks >= LOOKS_MIN && timeWait.freshLooks >= (life.looks - 1) * SUSTAINED_SHARE_MIN;
}

export function perSecond({ life }: TcpLifeView, count: number): number {
	return life.spanMs > 0 ? (count * 1000) / life.spanMs : 0;
}

/** `12`, `3.4`, `0.2`: as many digits as a rate is worth. */
export function rate(perSecond: number): string {
	return perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

export function addressOf({ ip, port }: TcpPeer): string {
	return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Ports the kernel gives out for one peer. */
export function portRange({ life }: TcpLifeView): number | undefined {
	const ports = life.ephemeralPorts;
	return ports === undefined ? undefined : ports.last - ports.first + 1;
}

/** In the words of what was examined. */
export function howFollowed({ life }: TcpLifeView): string {
	return life.route === "trace" ? "connections traced" : `connections followed in ${life.looks} looks`;
}

export function lifeGaps({ life: { eventsLost, peersLeftOut }, part }: TcpLifeView): Gap[] {
	const gap = (why: string): Gap => ({
		line: "sockets",
		what: "life of connections",
		why,
		at: part,
		weight: "note",
	});
	return [
		...(eventsLost > 0 ? [gap(`${eventsLost} trace events were lost: counts are too low`)] : []),
		...(peersLeftOut > 0 ? [gap(`${peersLeftOut} connections to further peers were not followed`)] : []),
	];
}

export function peerEvidence({ life, part, atMs }: TcpLifeView, peer: TcpPeer, says: string): Evidence {
	const { atStart, atEnd, kept, opens, closedByUs, closedByPeer, closedOtherwise, unattributed, timeWait } =
		peer;
	const how = life.route === "trace" ? "traced" : `${life.looks} looks`;
	return {
		line: "sockets",
		says,
		quote:
			`${addressOf(peer)} in ${seconds(life.spanMs)} (${how}): opened ${opens}, closed by us ${closedByUs}, ` +
			`by the peer ${closedByPeer}, otherwise ${closedOtherwise}, whose is unknown ${unattributed}; open ${atStart} -> ${atEnd}, kept ${kept}; ` +
			`TIME_WAIT ${timeWait.first} -> ${timeWait.last}, new ${timeWait.fresh}`,
		part,
		offset: peer.offset ?? 0,
		atMs,
	};
}
