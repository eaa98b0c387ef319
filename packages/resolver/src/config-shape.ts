/** The keys of the configuration file and what each may hold. Strict: an unknown key is a typing error, not a wish. */
import * as z from "zod";

const LIST_MAX = 64;
const TEXT_CHARS_MAX = 4096;

const text = z.string().min(1).max(TEXT_CHARS_MAX);
const list = z.array(text).max(LIST_MAX);
const count = (max: number) => z.number().int().min(1).max(max);
const seconds = z.number().min(0).max(604_800).optional();

export const CONFIG_SHAPE = z.strictObject({
	listen: list.min(1).optional(),
	upstreams: list.optional(),
	/** PEM file of those who sign the certificates of DoH and DoT servers, instead of the ones Node trusts. */
	upstreamAuthority: text.optional(),
	allow: list.optional(),
	dot: list.optional(),
	doh: list.optional(),
	certificate: text.optional(),
	key: text.optional(),
	/** `/health` and `/metrics`. */
	health: text.optional(),
	/** Asked of the servers by the health check; a name below it, so that no cache answers. */
	healthName: text.optional(),
	healthWithinMs: count(60_000).optional(),
	snapshot: text.optional(),
	stale: z.enum(["after", "immediate"]).optional(),
	/** How long a client waits before it gets a stale answer; 1800 by default (RFC 8767). */
	staleAfterMs: z.number().int().min(0).max(60_000).optional(),
	/** In seconds; policy/ttl-rules.ts says what each means and how they must stand to each other. */
	ttl: z
		.strictObject({
			minS: seconds,
			maxS: seconds,
			negativeMinS: seconds,
			negativeMaxS: seconds,
			failureMinS: seconds,
			failureMaxS: seconds,
			staleAnswerS: seconds,
			staleMaxS: seconds,
			staleRetryS: seconds,
			unauthenticatedMaxS: seconds,
			prefetchShare: z.number().min(0).max(0.5).optional(),
		})
		.optional(),
	cacheBytes: count(2 ** 40).optional(),
	/** Queries of one client; false for no limit. */
	rate: z
		.union([
			z.literal(false),
			z.strictObject({
				perSecond: z.number().positive().max(1e9).optional(),
				burst: z.number().min(1).max(1e9).optional(),
				clients: count(10_000_000).optional(),
			}),
		])
		.optional(),
	/** Of ready answers, before the cache. */
	table: z.strictObject({ bytes: count(2 ** 31).optional(), names: count(2 ** 24).optional() }).optional(),
	connections: z
		.strictObject({
			total: count(65_536).optional(),
			perClient: count(65_536).optional(),
			idleSeconds: z.number().positive().max(3600).optional(),
		})
		.optional(),
	/** `dgram` reads packets by Node's own means, also where many a system call could be had. */
	udp: z.enum(["best", "dgram"]).optional(),
	/** Over UDP, letters of questions in random case (0x20). */
	mixCase: z.boolean().optional(),
	tryMs: count(60_000).optional(),
	retries: z.number().int().min(0).max(10).optional(),
	/** What becomes of an answer without proof that trusted servers contradict. */
	forged: z.enum(["report", "prefer-quorum", "refuse"]).optional(),
	/** Watch this host's own resolv.conf: servers in none of these networks, nor on loopback, are told as strangers. */
	resolvConf: z.strictObject({ path: text.optional(), trusted: list.optional() }).optional(),
});

export type GivenConfig = z.infer<typeof CONFIG_SHAPE>;
