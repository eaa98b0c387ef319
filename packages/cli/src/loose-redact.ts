/**
 * Takes secrets out of a recovered piece, as the collectors do of what they read live, before anything of it is
 * shown or saved.
 */
import type { PartFormat } from "@plumbline/signals/capture";
import { encodeGoTrace } from "@plumbline/signals/go-trace-json";
import { decodeGoTraceV2 } from "@plumbline/signals/go-trace-v2";
import { redactLabels, redactMetricLabels, redactUrl } from "@plumbline/signals/redact";
import { redactProfile } from "@plumbline/signals/redact-profile";
import { redactSessionsText } from "@plumbline/signals/sessions-text-redact";

export interface Redacted {
	readonly format: PartFormat;
	readonly bytes: Uint8Array;
	/** What could not be read of it, where it had to be read to be redacted. */
	readonly losses: readonly string[];
}

export function redactPiece(format: PartFormat, bytes: Uint8Array): Redacted {
	const kept = (redacted: Uint8Array): Redacted => ({ format, bytes: redacted, losses: [] });
	switch (format) {
		case "go-debug2":
		case "go-debug1":
		case "go-heap-debug1":
		case "go-contention-debug1":
			return kept(withoutUrlSecrets(redactLabels(bytes)));
		case "prometheus":
			return kept(redactMetricLabels(bytes));
		case "sessions-text":
			return kept(redactSessionsText(bytes));
		case "pprof":
			return kept(redactProfile(bytes));
		case "go-trace-v2":
			return redactTrace(bytes);
		default:
			// Tables of sockets hold no secrets; what is ours was redacted when it was taken.
			return kept(bytes);
	}
}

/** A trace holds whatever the program logged into it: only what is read of it is kept. */
function redactTrace(bytes: Uint8Array): Redacted {
	const decoded = decodeGoTraceV2(bytes);
	if (decoded.kind === "foreign")
		return { format: "go-trace-v2", bytes: new Uint8Array(), losses: [decoded.found] };
	const losses = decoded.flaws.map(({ why }) => why);
	return { format: "go-trace", bytes: encodeGoTrace(decoded.value), losses };
}

/** A panic may print an address with its password. */
function withoutUrlSecrets(bytes: Uint8Array): Uint8Array {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (!buffer.includes("://")) return bytes;
	const text = buffer.toString("latin1");
	const redacted = redactUrl(text);
	return redacted === text ? bytes : new Uint8Array(Buffer.from(redacted, "latin1"));
}
