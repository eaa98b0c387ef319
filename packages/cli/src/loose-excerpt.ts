/** A dump that holds far fewer goroutines than the metrics page counts is an excerpt, or of another time. */
import type { Gap, Part } from "@plumbline/signals/capture";
import { decodeDumpOnce } from "@plumbline/signals/decode-once";
import { decodePrometheus } from "@plumbline/signals/pools-prometheus";

/** A dump leaves out the runtime's own goroutines, and a busy service's number moves. */
const SHARE_MIN = 0.5;
/** Of so few a page may count twice as many at any moment. */
const COUNTED_MIN = 40;

export function excerptGaps(parts: readonly Part[]): Gap[] {
	const counted = parts.flatMap(({ format, bytes }) => {
		if (format !== "prometheus") return [];
		const decoded = decodePrometheus(bytes);
		return decoded.kind === "decoded" ? [decoded.value.go.go_goroutines ?? 0] : [];
	});
	const least = Math.min(...counted);
	if (!Number.isFinite(least) || least < COUNTED_MIN) return [];
	return parts.flatMap(({ format, bytes, source }): Gap[] => {
		if (format !== "go-debug2") return [];
		const decoded = decodeDumpOnce(bytes);
		const count = decoded.kind === "decoded" ? decoded.value.count : 0;
		if (count >= least * SHARE_MIN) return [];
		const why = `the dump holds ${count} goroutines, and the metrics page counts ${least}: it may be an excerpt`;
		return [{ line: "runtime", what: "goroutines", why, at: source, weight: "loss" }];
	});
}
