/**
 * The gateway under load while servers die, hang, reset and flap, while names are forged, and while it is reloaded and
 * restarted itself. Ends with 1 if anything is against the rules.
 *
 *   node bench/src/gateway/chaos.ts [--seconds 60] [--only killed,hung] [--list]
 *
 * docs/gateway-chaos.md has the rules and what came out.
 */
import { parseArgs } from "node:util";
import { LIFE_SCENARIOS } from "./chaos-life.ts";
import { NAME_SCENARIOS } from "./chaos-names.ts";
import { RING_SCENARIOS } from "./chaos-ring.ts";
import { runScenario, type Verdict } from "./chaos-run.ts";
import { SERVER_SCENARIOS } from "./chaos-servers.ts";

const { values } = parseArgs({
	options: {
		seconds: { type: "string", default: "60" },
		only: { type: "string" },
		list: { type: "boolean", default: false },
	},
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error("seconds is a number greater than 0");
const all = [...SERVER_SCENARIOS, ...NAME_SCENARIOS, ...LIFE_SCENARIOS, ...RING_SCENARIOS];
const wanted = values.only?.split(",");
const unknown = wanted?.filter((name) => !all.some((scenario) => scenario.name === name)) ?? [];
if (unknown.length > 0) throw new Error(`no scenario is called ${unknown.join(", ")}`);

if (values.list) for (const { name, mayFail } of all) console.log(`${name.padEnd(28)} ${mayFail}`);
else {
	console.log(
		`${"scenario".padEnd(28)} seconds    sent  answered  allowed  sessions broken     p50     p99  heap KiB`,
	);
	for (const scenario of all) {
		if (wanted !== undefined && !wanted.includes(scenario.name)) continue;
		const verdict = await runScenario(scenario, seconds);
		console.log(lineOf(verdict));
		for (const what of verdict.told) console.log(`    ${what}`);
		for (const what of verdict.violations) console.log(`  ! ${what}`);
		if (verdict.violations.length > 0) process.exitCode = 1;
	}
}

function lineOf(verdict: Verdict): string {
	const { name, sent, answered, allowed, sessionsBroken, p50Ms, p99Ms, heapMoreBytes } = verdict;
	return [
		name.padEnd(28),
		String(verdict.seconds).padStart(7),
		String(sent).padStart(8),
		String(answered).padStart(10),
		String(allowed).padStart(9),
		String(sessionsBroken).padStart(17),
		p50Ms.toFixed(1).padStart(8),
		p99Ms.toFixed(1).padStart(8),
		(heapMoreBytes === undefined ? "-" : (heapMoreBytes / 1_024).toFixed(0)).padStart(10),
	].join("");
}
