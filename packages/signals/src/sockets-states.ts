/** TCP states as the kernel numbers them (net/tcp_states.h) and as the tools write them. */
import type { TcpState } from "./sockets.ts";

/** By number; 0 is no state. */
export const TCP_STATES: readonly (TcpState | undefined)[] = [
	undefined,
	"ESTABLISHED",
	"SYN_SENT",
	"SYN_RECV",
	"FIN_WAIT1",
	"FIN_WAIT2",
	"TIME_WAIT",
	"CLOSE",
	"CLOSE_WAIT",
	"LAST_ACK",
	"LISTEN",
	"CLOSING",
	"NEW_SYN_RECV",
];

/** As ss(8) prints them, and the spellings of its `state` filter and of netstat(8). */
const BY_TOOL_NAME: ReadonlyMap<string, TcpState> = new Map([
	["ESTAB", "ESTABLISHED"],
	["UNCONN", "CLOSE"],
	["CLOSED", "CLOSE"],
	["LISTENING", "LISTEN"],
	["FIN_WAIT_1", "FIN_WAIT1"],
	["FIN_WAIT_2", "FIN_WAIT2"],
]);

/** `ESTAB`, `TIME-WAIT`, `fin-wait-1`, `CLOSE_WAIT`: the state, or undefined if the word is none. */
export function stateOfToolName(name: string): TcpState | undefined {
	const word = name.toUpperCase().replaceAll("-", "_");
	const known = BY_TOOL_NAME.get(word);
	if (known !== undefined) return known;
	return TCP_STATES.find((state) => state === word);
}
