/**
 * Takes secrets out of a process's command line.
 *
 *     /app/orders --dsn postgres://app:s3cret@db/orders -password hunter2 --api-key=abc
 *     mysql -uapp -phunter2 orders          curl -u anna:hunter2 -H 'Authorization: Bearer eyJ...'
 *     host=db password='two words' user=app           app:hunter2@tcp(db:3306)/orders
 */
import { redactUrl } from "./redact-url.ts";
import { looksSecret, namesSecret, REDACTED } from "./secret.ts";

/**
 * Redacts a command line given as one text. Arguments may be separated by NUL, as in /proc/PID/cmdline,
 * or by blanks with shell quotes; they come back separated by one blank.
 */
export function redactCommandLine(text: string): string {
	const words = text.includes("\0") ? text.replace(/\0+$/, "").split("\0") : (text.match(SHELL_WORD) ?? []);
	const program = words[0]?.replace(/^.*\//, "") ?? "";
	return words.map((word, i) => redactWord(word, words[i - 1] ?? "", program)).join(" ");
}

/**
 * Redacts one argument that could not be understood, for the message that says so. Broken as it is, its
 * form tells nothing: whatever stands between a `:` and the last `@` goes as well.
 */
export function redactArgument(text: string): string {
	return redactCommandLine(text).replace(/(^|\/\/)([^/:@]*):(?!\/\/).*@/s, `$1$2:${REDACTED}@`);
}

/** A run without blanks, quoted parts taken whole; a quote that never closes is a plain character. */
const SHELL_WORD = /(?:'[^']*'|"[^"]*"|\S)+/g;

/** `-name`, `--name`: the value is the next argument. */
const FLAG = /^--?([\w.-]+)$/;
/** go-sql-driver/mysql: `user:password@protocol(address)/name`. */
const GO_MYSQL_DSN = /([^\s:@/'"=]+):(.*)@(\w*)\(/g;
/** `name=value`, `name: value`, also inside an argument (libpq's `password='a b'`). */
const NAMED_VALUE = /([\w.-]+)(\s*=\s*|\s*:\s+)('(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\s&,;'"]+)/g;
const AUTHORIZATION = /(authorization\s*:\s*)[^'"]+/gi;
const MYSQL_PASSWORD = /^-p.+/;

function redactWord(word: string, before: string, program: string): string {
	const flag = FLAG.exec(before)?.[1];
	if (flag !== undefined && namesSecret(flag) && !word.startsWith("-")) return REDACTED;
	if (/^(?:-u|--user|--proxy-user)$/.test(before)) return word.replace(/:.*/s, `:${REDACTED}`);
	if (/^(?:mysql|mariadb)/.test(program) && MYSQL_PASSWORD.test(word)) return `-p${REDACTED}`;
	const shown = redactUrl(word)
		.replace(GO_MYSQL_DSN, `$1:${REDACTED}@$3(`)
		.replace(AUTHORIZATION, `$1${REDACTED}`)
		.replace(NAMED_VALUE, (whole, name: string, sign: string, value: string) =>
			namesSecret(name) || looksSecret(value, name) ? `${name}${sign}${REDACTED}` : whole,
		);
	return looksSecret(shown) ? REDACTED : shown;
}
