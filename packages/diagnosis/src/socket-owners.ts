/**
 * Which rows of a socket table are the target's.
 *
 * A capture brings the target's descriptors, and their inodes tell. A table that somebody pasted has none:
 * there the pids in its rows tell, if it has any (`ss -p`, `netstat -p`, netstat of Windows and macOS). Where
 * nothing tells, a pasted table is taken as it is, for it was pasted to be looked at, and whoever rests on it
 * has to say so. A live capture without descriptors knows no owner: its table is of the whole host.
 */
import type { Signals } from "@plumbline/signals/signals";
import type { FdTable, Socket } from "@plumbline/signals/sockets";

export type SocketOwners =
	| { readonly kind: "descriptors" }
	| { readonly kind: "pid"; readonly pid: number; readonly why: string }
	/** Rows of anyone on that host. */
	| { readonly kind: "anyone"; readonly why: string };

/** Whose rows are taken; undefined when no row can be. */
export function socketOwners(signals: Signals): SocketOwners | undefined {
	if (signals.sockets.length === 0) return undefined;
	if (signals.fds.length > 0) return { kind: "descriptors" };
	if (signals.target.files === undefined) return undefined;
	const programs = programsByPid(signals);
	const wanted = signals.target.pid ?? signals.process[0]?.value.pid;
	if (wanted !== undefined && programs.has(wanted)) {
		return { kind: "pid", pid: wanted, why: `the socket table marks the rows of process ${wanted}` };
	}
	const [only] = programs;
	if (only !== undefined && programs.size === 1) {
		const [pid, program] = only;
		return { kind: "pid", pid, why: `the socket table names one process only, ${named(pid, program)}` };
	}
	const client = clientOfSessions(signals);
	if (client !== undefined) {
		const who = named(client, programs.get(client));
		return {
			kind: "pid",
			pid: client,
			why: `of the processes in the socket table only ${who} has these sessions`,
		};
	}
	return { kind: "anyone", why: whyAnyone(programs) };
}

/** Whether a row is taken. `fds`: the readings of the descriptors that belong to the table. */
export function isOwned(owners: SocketOwners, fds: readonly FdTable[]): (socket: Socket) => boolean {
	switch (owners.kind) {
		case "descriptors":
			return ({ inode }) => inode !== 0 && fds.some(({ byInode }) => byInode.has(inode));
		case "pid":
			return ({ pid }) => pid === owners.pid;
		case "anyone":
			return () => true;
		default:
			return owners satisfies never;
	}
}

/** Names in a reason; the others are counted. */
const NAMES_SHOWN = 3;

function whyAnyone(programs: ReadonlyMap<number, string>): string {
	if (programs.size === 0) {
		return "the socket table names no process: its rows are of the whole host (ss -tanp tells whose they are)";
	}
	const shown = [...programs].slice(0, NAMES_SHOWN).map(([pid, program]) => named(pid, program));
	const more = programs.size - shown.length;
	const names = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(", ");
	return `the socket table names ${programs.size} processes (${names}), and nothing says which is meant`;
}

function named(pid: number, program: string | undefined): string {
	return program === undefined || program === "" ? `process ${pid}` : `${program} (${pid})`;
}

function programsByPid({ sockets }: Signals): ReadonlyMap<number, string> {
	const programs = new Map<number, string>();
	for (const { value } of sockets) {
		for (const { pid, program } of value.sockets) {
			if (pid !== undefined) programs.set(pid, program ?? programs.get(pid) ?? "");
		}
	}
	return programs;
}

/** The one process whose rows are the clients of the database sessions that were read, too. */
function clientOfSessions({ sockets, sessions }: Signals): number | undefined {
	const clients = new Set<string>();
	for (const { value } of sessions) {
		for (const { client } of value.sessions) {
			if (client !== undefined) clients.add(`${client.ip} ${client.port}`);
		}
	}
	const pids = new Set<number>();
	for (const { value } of sockets) {
		for (const { pid, localIp, localPort } of value.sockets) {
			if (pid !== undefined && clients.has(`${localIp} ${localPort}`)) pids.add(pid);
		}
	}
	const [pid] = pids;
	return pids.size === 1 ? pid : undefined;
}
