/** What can be done by POST, as paths: each becomes a command of the gateway. */
import type { Context, Hono } from "hono";
import type { AdminCommand, AdminView } from "./admin-view.ts";

export function addCommands(app: Hono, view: AdminView): void {
	app.post("/api/breakers/:upstream/:endpoint", (context) =>
		withWord(context, view, ["forced-open", "forced-closed", "released"], (to) => ({
			kind: "breaker",
			...place(context),
			to,
		})),
	);
	app.post("/api/endpoints/:upstream/:endpoint", (context) =>
		withWord(context, view, ["out", "in"], (to) => ({ kind: "endpoint", ...place(context), to })),
	);
	app.post("/api/rings/:upstream", (context) =>
		withWord(context, view, ["cut-over", "roll-back"], (to) => ({
			kind: "ring",
			upstream: place(context).upstream,
			to,
		})),
	);
	app.post("/api/read-only/:route", (context) =>
		withWord(context, view, ["on", "off", "auto"], (to) => ({
			kind: "read-only",
			route: context.req.param("route") ?? "",
			to,
		})),
	);
	for (const kind of ["drain", "reload", "reopen-logs"] as const)
		app.post(`/api/${kind}`, (context) => act(context, view, { kind }));
}

function place({ req }: Context): { readonly upstream: string; readonly endpoint: string } {
	return { upstream: req.param("upstream") ?? "", endpoint: req.param("endpoint") ?? "" };
}

/** The body is `{"to":"…"}`, with one of these words. */
async function withWord<Word extends string>(
	context: Context,
	view: AdminView,
	words: readonly Word[],
	command: (to: Word) => AdminCommand,
): Promise<Response> {
	const body: unknown = await context.req.json().catch(() => undefined);
	const given = typeof body === "object" && body !== null && "to" in body ? body.to : undefined;
	const to = words.find((word) => word === given);
	if (to === undefined) {
		const wanted = words.map((word) => `"${word}"`).join(" or ");
		return context.json({ error: `wants {"to": ${wanted}}` }, 400);
	}
	return act(context, view, command(to));
}

async function act(context: Context, view: AdminView, command: AdminCommand): Promise<Response> {
	const answer = await view.act(command);
	if (answer.kind === "done") return context.json({ done: answer.told });
	return context.json({ error: answer.told }, answer.why === "absent" ? 404 : 409);
}
