/**
 * TCP states as the netstats write them: those of the BSDs and illumos, and those of translated ones where
 * a word can mean one state only.
 *
 * | words of | read in |
 * |---|---|
 * | Czech, German (VERBUNDEN), Portuguese | net-tools 2.10's own catalogues |
 * | German (HERGESTELLT, ABHÖREN, ...), Spanish, French | what people pasted from Windows |
 *
 * A letter beyond ASCII stands as `?` here, however many bytes a wrong code page made of it: ABHÖREN came as
 * UTF-8, as code page 850 (ABH\x99REN) or was read as another. Windows keeps English words in most languages.
 */
import type { TcpState } from "./sockets.ts";
import { stateOfToolName } from "./sockets-states.ts";

const BY_WORD: ReadonlyMap<string, TcpState> = new Map([
	["SYN_RCVD", "SYN_RECV"],
	["SYN_RECEIVED", "SYN_RECV"],
	["BOUND", "CLOSE"],
	["IDLE", "CLOSE"],
	["ABH?REN", "LISTEN"],
	["ABHOEREN", "LISTEN"],
	["HERGESTELLT", "ESTABLISHED"],
	["VERBUNDEN", "ESTABLISHED"],
	["WARTEND", "TIME_WAIT"],
	["SCHLIESSEN_WARTEN", "CLOSE_WAIT"],
	["SCHLIESSEND", "CLOSING"],
	["SYN_GESENDET", "SYN_SENT"],
	["SYN_EMPFANGEN", "SYN_RECV"],
	["FIN_WARTEN_1", "FIN_WAIT1"],
	["FIN_WARTEN_2", "FIN_WAIT2"],
	["?COUTE", "LISTEN"],
	["?TABLIE", "ESTABLISHED"],
	["ESCUCHANDO", "LISTEN"],
	["ESTABLECIDO", "ESTABLISHED"],
	["ESTABLECIDA", "ESTABLISHED"],
	["ESTABELECIDO", "ESTABLISHED"],
	["ESTABELECIDA", "ESTABLISHED"],
	["OU?A", "LISTEN"],
	["SYN_ENVIADO", "SYN_SENT"],
	["SYN_RECEBIDO", "SYN_RECV"],
	["ESPERA_FIN1", "FIN_WAIT1"],
	["ESPERA_FIN2", "FIN_WAIT2"],
	["ESPERANDO_FECHAR", "CLOSE_WAIT"],
	["FECHANDO", "CLOSING"],
	["FECHAR", "CLOSE"],
	["?LTIMO_ACK", "LAST_ACK"],
	["SPOJENO", "ESTABLISHED"],
	["NASLOUCH?", "LISTEN"],
	["ZAV?R?", "CLOSING"],
	["ZAV?EN", "CLOSE"],
	["POSLEDN?", "LAST_ACK"],
]);

/** Longest run of characters that a wrong code page makes of one letter. */
const FOREIGN_LETTER = /[^ -~]{1,4}/g;

export function stateOfNetstat(word: string): TcpState | undefined {
	return stateOfToolName(word) ?? BY_WORD.get(word.toUpperCase().replace(FOREIGN_LETTER, "?"));
}
