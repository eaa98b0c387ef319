/** The files that settings name: whether they can be read, belong together, and for how long certificates hold. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ConfigPath, Fault } from "./config-fault.ts";
import type { FileDigests } from "./reload-difference.ts";

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const DAY_MS = 86_400_000;
/** Short enough not to nag those whose certificates last 90 days and are renewed after 60. */
const CERTIFICATE_DAYS_LEFT_MIN = 14;

/** Reads each file once; what it could not read or did not like stands in `faults`. */
export class ConfigFiles {
	readonly faults: Fault[] = [];
	readonly warnings: Fault[] = [];
	readonly #read = new Map<string, Buffer | undefined>();
	readonly #wallMs: number;

	constructor(wallMs: number) {
		this.#wallMs = wallMs;
	}

	get digests(): FileDigests {
		const digests = new Map<string, string>();
		for (const [name, bytes] of this.#read) {
			if (bytes !== undefined) digests.set(name, digestOf(bytes));
		}
		return digests;
	}

	get names(): readonly string[] {
		return [...this.#read.keys()];
	}

	/** undefined if it cannot be read, which is a fault then. */
	read(name: string, path: ConfigPath): Buffer | undefined {
		if (this.#read.has(name)) return this.#read.get(name);
		let bytes: Buffer | undefined;
		try {
			bytes = readFileSync(name);
			if (bytes.length > FILE_BYTES_MAX) throw new RangeError(`larger than ${FILE_BYTES_MAX} bytes`);
		} catch (error) {
			const code = error instanceof Error && "code" in error ? String(error.code) : "";
			const why = error instanceof Error ? error.message : String(error);
			this.faults.push({ path, message: `${name} cannot be read: ${WORDS[code] ?? why}` });
		}
		this.#read.set(name, bytes);
		return bytes;
	}

	/** A certificate and its key. */
	pair(certificate: string, key: string, path: ConfigPath): void {
		const certificateBytes = this.read(certificate, [...path, "certificate"]);
		const keyBytes = this.read(key, [...path, "key"]);
		const parsed =
			certificateBytes && this.#certificate(certificate, certificateBytes, [...path, "certificate"]);
		if (keyBytes === undefined) return;
		try {
			const privateKey = createPrivateKey(keyBytes);
			if (parsed === undefined || certificateBytes === undefined) return;
			if (parsed.checkPrivateKey(privateKey)) this.#usable(certificate, certificateBytes, keyBytes, path);
			else this.faults.push({ path: [...path, "key"], message: `${key} is not the key of ${certificate}` });
		} catch {
			this.faults.push({
				path: [...path, "key"],
				message: `${key} is no private key in PEM, or has a passphrase`,
			});
		}
	}

	/** What TLS does not take though it is sound, such as a key that is too short for today. */
	#usable(name: string, cert: Buffer, key: Buffer, path: ConfigPath): void {
		try {
			createSecureContext({ cert, key });
		} catch (error) {
			const why = error instanceof Error ? error.message : String(error);
			this.faults.push({ path: [...path, "certificate"], message: `TLS does not take ${name}: ${why}` });
		}
	}

	/** Those who sign others. */
	authority(name: string, path: ConfigPath): void {
		const bytes = this.read(name, path);
		if (bytes !== undefined) this.#certificate(name, bytes, path);
	}

	#certificate(name: string, bytes: Buffer, path: ConfigPath): X509Certificate | undefined {
		let parsed: X509Certificate;
		try {
			parsed = new X509Certificate(bytes);
		} catch {
			this.faults.push({ path, message: `${name} is no certificate in PEM` });
			return undefined;
		}
		const days = (parsed.validToDate.getTime() - this.#wallMs) / DAY_MS;
		if (days < 0) this.warnings.push({ path, message: `${name} ended on ${parsed.validTo}` });
		else if (days < CERTIFICATE_DAYS_LEFT_MIN) {
			this.warnings.push({ path, message: `${name} ends in ${Math.floor(days)} days, on ${parsed.validTo}` });
		}
		return parsed;
	}
}

/** Equal for equal bytes only. */
export function digestOf(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}

const WORDS: Readonly<Record<string, string>> = {
	ENOENT: "it is not there",
	EACCES: "permission denied",
	EISDIR: "it is a folder",
};
