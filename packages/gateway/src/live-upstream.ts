/** An upstream at work: its endpoints, and who of them is next. */
import type { Balancer } from "./balancer.ts";
import type { UpstreamGroup } from "./upstream-group.ts";

export interface LiveUpstream {
	readonly group: UpstreamGroup;
	/** Another one after a reload changed how it balances. */
	balancer: Balancer;
}
