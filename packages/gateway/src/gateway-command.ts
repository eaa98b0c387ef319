/** What operators tell a process to do, where it concerns the process itself and not all of them together. */
import type { AdminAnswer, AdminCommand } from "./admin-view.ts";
import type { Sites } from "./live-site.ts";
import type { LiveUpstream } from "./live-upstream.ts";

export interface CommandTargets {
	readonly sites: Sites;
	readonly upstreams: ReadonlyMap<string, LiveUpstream>;
	readonly now: () => number;
	reopenLogs(): void;
}

/** As other processes are told of it. */
export interface ToldCommand {
	readonly command: AdminCommand;
	/** Wall clock. */
	readonly atMs: number;
}

/** Topics begin with it. */
export const COMMAND_TOPIC = "command";
const COMMAND_MS_MAX = 5000;

/** What lasts has a topic of its own: its last word is kept for processes that come later. */
export function topicOf(command: AdminCommand): string {
	if (command.kind !== "breaker" && command.kind !== "endpoint") return COMMAND_TOPIC;
	return `${COMMAND_TOPIC}:${command.kind}:${command.upstream}/${command.endpoint}`;
}

/** Of another process; perhaps from before this one began. */
export function hear({ command, atMs }: ToldCommand, targets: CommandTargets): void {
	const isOfNow = Date.now() - atMs < COMMAND_MS_MAX;
	if (command.kind === "endpoint" && command.to === "out")
		targets.upstreams.get(command.upstream)?.group.keepOut(command.endpoint);
	else if (isOfNow || topicOf(command) !== COMMAND_TOPIC) obey(command, targets);
}

/** `drain` and `reload` are the owner's: here they are refused. */
export function obey(command: AdminCommand, targets: CommandTargets): AdminAnswer {
	switch (command.kind) {
		case "breaker":
			return forceBreaker(command, targets);
		case "endpoint":
			return moveEndpoint(command, targets);
		case "ring":
			return moveRing(command, targets);
		case "read-only": {
			const route = targets.sites.current.routes.get(command.route);
			if (route === undefined) return absent(`no route is called ${command.route}`);
			const mode = { ...route.settings.readOnly, mode: command.to };
			route.gate.update({ ...route.settings, readOnly: mode });
			return done(
				`read-only of ${command.route} is ${command.to}, until the next reload that changes the route`,
			);
		}
		case "reopen-logs":
			targets.reopenLogs();
			return done("logs are open anew");
		case "drain":
		case "reload":
			return { kind: "refused", why: "conflict", told: `this process cannot ${command.kind} by itself` };
		default:
			return command satisfies never;
	}
}

function forceBreaker(
	{ upstream, endpoint, to }: Extract<AdminCommand, { kind: "breaker" }>,
	{ upstreams, now }: CommandTargets,
): AdminAnswer {
	const found = upstreams.get(upstream)?.group.endpoints.find(({ id }) => id === endpoint);
	if (found === undefined) return absent(`${upstream} has no endpoint ${endpoint}`);
	if (to === "released") found.breaker.release(now());
	else found.breaker.force(to);
	return done(`the circuit of ${endpoint} is ${found.breaker.state.kind}`);
}

function moveEndpoint(
	{ upstream, endpoint, to }: Extract<AdminCommand, { kind: "endpoint" }>,
	{ upstreams }: CommandTargets,
): AdminAnswer {
	const group = upstreams.get(upstream)?.group;
	const isMoved = to === "out" ? group?.takeOut(endpoint) : group?.putBack(endpoint);
	return isMoved === true ? done(`${endpoint} is ${to}`) : absent(`${upstream} has no endpoint ${endpoint}`);
}

function moveRing(
	{ upstream, to }: Extract<AdminCommand, { kind: "ring" }>,
	{ upstreams, now }: CommandTargets,
): AdminAnswer {
	const ring = upstreams.get(upstream)?.balancer.ring;
	if (ring === undefined) return absent(`${upstream} has no ring`);
	if (to === "cut-over") return done(`${ring.cutOver(now())} keys with open sessions were cut over`);
	if (ring.rollBack(now())) return done("the ring before begins again");
	return { kind: "refused", why: "conflict", told: "there is no ring to go back to" };
}

function done(told: string): AdminAnswer {
	return { kind: "done", told };
}

function absent(told: string): AdminAnswer {
	return { kind: "refused", why: "absent", told };
}
