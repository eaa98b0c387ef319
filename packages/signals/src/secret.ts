/**
 * What a secret looks like: by the name it is kept under, or by its own shape.
 *
 * Shapes are guesses and err on the side of hiding: a random-looking build hash may be taken for a
 * key. A password that is a plain word is recognised by its name only.
 */

/** Put where a secret was. */
export const REDACTED = "***";

/** Words that make the name they occur in a secret's: `db_password`, `X-Api-Key`, `authToken`. */
const SECRET_NAME =
	/pass(?:wd|word|phrase|wort)|^pass$|^pwd$|[_-]pwd$|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|authorization|^auth$|[_-]auth$|bearer|cookie|signature|^sig$|session[_-]?(?:id|key)|^jwt$|^dsn$/i;

/** Names whose long hexadecimal value is public: builds, traces and checksums. */
const PUBLIC_HEX_NAME =
	/^(?:trace|span|request|correlation)[_-]?id$|^revision$|commit|^sha\d*$|digest|checksum|^etag$/i;

/** Prefixes and frames that issuers of keys put there so that scanners find them. */
const KEY_SHAPE = new RegExp(
	[
		"\\beyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]+", // JWT: base64url of {"
		"\\b(?:bearer|basic)\\s+[A-Za-z0-9._~+/=-]{6,}",
		"\\bgh[pousr]_[A-Za-z0-9]{16,}",
		"\\bgithub_pat_\\w{16,}",
		"\\bgl(?:pat|cbt|dt|rt|soat)-[\\w-]{10,}",
		"\\b[sr]k[_-](?:live|test|proj|ant)[_-][\\w-]{8,}",
		"\\bsk-[A-Za-z0-9_-]{16,}",
		"\\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
		"\\bxox[abeoprs]-[\\w-]{8,}",
		"\\bAIza[\\w-]{30,}",
		"\\bya29\\.[\\w-]{10,}",
		"\\b(?:npm|hf|dop_v1|shpat|shpss)_[A-Za-z0-9]{16,}",
		"\\bpypi-[\\w-]{16,}",
		"\\bhv[sb]\\.[\\w-]{16,}",
		"\\bSG\\.[\\w-]{10,}\\.[\\w-]{10,}",
		"-----BEGIN [A-Z ]*PRIVATE KEY",
	].join("|"),
	"i",
);

/** Shortest run of key-like characters whose randomness is judged. */
const RANDOM_RUN_MIN = 20;
const RUN = new RegExp(`[A-Za-z0-9+_=-]{${RANDOM_RUN_MIN},}`, "g");
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** 128 bits in hexadecimal. */
const HEX_KEY = /^[0-9a-f]{32,}$/i;

/** Whether values kept under this name are secrets, whatever they look like. */
export function namesSecret(name: string): boolean {
	return SECRET_NAME.test(name);
}

/** Whether a value looks like a key, a token or other random text nobody would type. */
export function looksSecret(value: string, name = ""): boolean {
	if (KEY_SHAPE.test(value)) return true;
	for (const [run] of value.matchAll(RUN)) {
		if (UUID.test(run)) continue;
		if (HEX_KEY.test(run)) {
			if (/\d/.test(run) && /[a-f]/i.test(run) && !PUBLIC_HEX_NAME.test(name)) return true;
		} else if (isRandomText(run)) return true;
	}
	return false;
}

/**
 * Random base62 or base64 changes between capitals, small letters and digits at about 62 of 100
 * neighbours; names in camelCase or snake_case, even with numbers in them, at about 30 or fewer.
 */
const CLASS_CHANGE_SHARE_MIN = 0.42;

function isRandomText(run: string): boolean {
	const text = run.replace(/=+$/, "");
	let changes = 0;
	let digits = 0;
	let capitals = 0;
	let smalls = 0;
	let before = "";
	for (const char of text) {
		const kind = char >= "0" && char <= "9" ? "9" : char >= "A" && char <= "Z" ? "A" : "a";
		if (kind === "9") digits++;
		else if (kind === "A") capitals++;
		else smalls++;
		if (before !== "" && before !== kind) changes++;
		before = kind;
	}
	return digits > 0 && capitals > 0 && smalls > 0 && changes / text.length >= CLASS_CHANGE_SHARE_MIN;
}
