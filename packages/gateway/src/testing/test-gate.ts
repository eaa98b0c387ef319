/** A gate under a clock that tests turn, and what it has said. */
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { Admitted, GateOutcome, GateRequest, GateWaiting, Refused } from "../gate.ts";
import type { GatewayEvent } from "../observer.ts";
import { createGate } from "../protect-gate.ts";
import type { SharedStores } from "../protect-rate-limit-shared.ts";
import { LoopLag } from "../protect-shed.ts";
import type { RouteSettings } from "../settings.ts";
import { testGateRequest, testRoute } from "./test-requests.ts";

export const DONE: GateOutcome = { status: 200, tookMs: 5, cancelled: false };

export function gateUnderTest(route: Partial<RouteSettings>, stores?: SharedStores) {
	const time = fakeTime();
	const events: GatewayEvent[] = [];
	const told: (Admitted | Refused)[] = [];
	const lag = new LoopLag(time.now, time.timers);
	const gate = createGate(testRoute(route), {
		now: time.now,
		timers: time.timers,
		random: () => 0.5,
		observe: (event) => events.push(event),
		lag,
		stores,
	});
	return {
		gate,
		time,
		events,
		/** What those who waited were told, in its order. */
		told,
		enter(request: GateRequest = testGateRequest()): Admitted | Refused | GateWaiting {
			return gate.enter(request, time.now(), (decision) => told.push(decision));
		},
		leave(admitted: Admitted | Refused | GateWaiting | undefined, outcome = DONE): void {
			if (admitted?.kind === "admitted") admitted.leave(outcome, time.now());
			else throw new Error(`not admitted but ${admitted?.kind}`);
		},
	};
}

/** What it says, in one word. */
export function verdictOf(decision: Admitted | Refused | GateWaiting | undefined): string | undefined {
	return decision?.kind === "refused" ? decision.why : decision?.kind;
}
