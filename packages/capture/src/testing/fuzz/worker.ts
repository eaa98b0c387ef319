/** One decoder under fire, in a process of its own: it may hang or eat memory without harm to who watches it. */
import { fuzzTargets } from "./decoders.ts";
import { Dice, damaged } from "./inputs.ts";

/** A message each so many inputs: they are the sign of life too. */
const REPORT_EVERY = 2_000;

const [name = "", inputs = "0", seed = "1"] = process.argv.slice(2);
const [target] = await fuzzTargets(name);
if (target === undefined || target.seeds.length === 0) {
	process.send?.({ kind: "fault", why: `no real input to start from for ${name}` });
	process.exit(1);
}
for (let n = 0; n < Number(inputs); n++) {
	// Each input by its own number, so that one alone can be had again.
	const bytes = damaged(target.seeds, new Dice(Number(seed) * 1_000_003 + n));
	if (n % REPORT_EVERY === 0) process.send?.({ kind: "alive", n });
	try {
		target.run(bytes);
	} catch (error) {
		const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
		process.send?.({ kind: "fault", n, why, input: Buffer.from(bytes).toString("base64") });
		process.exit(1);
	}
}
process.send?.({ kind: "done", n: Number(inputs), peakMb: process.resourceUsage().maxRSS / 1024 });
process.disconnect?.();
