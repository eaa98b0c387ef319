/**
 * The admin server: what the gateway is doing, as JSON, as a page and as metrics, and what can be told to it.
 * docs/gateway-admin.md lists all of it.
 *
 *     GET  /                  the page              GET /metrics   Prometheus text      GET /health   200 or 503
 *     GET  /api/{processes,routes,upstreams,waiting,limits,failures,config}
 *     POST /api/{breakers,endpoints}/UPSTREAM/ADDRESS:PORT  /api/rings/UPSTREAM  /api/read-only/ROUTE
 *          /api/{drain,reload,reopen-logs}
 */
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { addCommands } from "./admin-commands.ts";
import { shownSettings } from "./admin-config.ts";
import { adminGuard } from "./admin-guard.ts";
import { listenAdmin } from "./admin-listen.ts";
import { adminPage } from "./admin-page.ts";
import type { AdminView, WorkerSnapshot } from "./admin-view.ts";
import type { AdminSettings } from "./settings.ts";

export interface AdminServer {
	/** `127.0.0.1:9901`, with the port the system chose; `unix:/run/admin.sock`. */
	readonly place: string;
	/** From now on, another token; the place stays. */
	use(settings: AdminSettings): void;
	close(): Promise<void>;
}

export interface AdminOptions {
	readonly settings: AdminSettings;
	readonly view: AdminView;
	/** A listening socket that was handed over, instead of the place in `settings`. */
	readonly fd?: number;
	readonly wall?: () => number;
}

const CONNECTIONS_MAX = 64;
const REQUEST_MS_MAX = 5000;
const BODY_BYTES_MAX = 4096;
const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Rejects with what the system says if it cannot listen. */
export async function startAdmin({
	settings,
	view,
	fd,
	wall = Date.now,
}: AdminOptions): Promise<AdminServer> {
	if (settings.path === undefined && !settings.token)
		throw new Error("the admin server wants a token, unless it listens on a unix socket");
	let app = adminApp(settings, view, wall);
	const server: Server = createServer(
		{ requestTimeout: REQUEST_MS_MAX },
		getRequestListener((request, bindings) => app.fetch(request, bindings)),
	);
	server.maxConnections = CONNECTIONS_MAX;
	const place = await listenAdmin(server, settings, fd);
	return {
		place,
		use(next) {
			app = adminApp(next, view, wall);
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

function adminApp(settings: AdminSettings, view: AdminView, wall: () => number): Hono {
	const app = new Hono();
	app.use(adminGuard(settings));
	app.use(bodyLimit({ maxSize: BODY_BYTES_MAX }));
	app.get("/", async (context) => {
		const [workers, failures] = await Promise.all([view.snapshots(), view.recentFailures()]);
		return context.html(adminPage(workers, failures, wall()));
	});
	app.get("/metrics", async (context) =>
		context.body(await view.metrics(), 200, { "content-type": METRICS_TYPE }),
	);
	app.get("/health", async (context) => {
		const workers = await view.snapshots();
		const serving = workers.filter(({ state }) => state === "serving").length;
		const status = serving > 0 ? "ok" : (workers[0]?.state ?? "closed");
		return context.json({ status, serving, processes: workers.length }, serving > 0 ? 200 : 503);
	});
	const told: Readonly<Record<string, (workers: readonly WorkerSnapshot[]) => unknown>> = {
		processes: (workers) => workers.map(({ routes, upstreams, limits, waiting, ...process }) => process),
		routes: (workers) => workers.map(({ worker, routes }) => ({ worker, routes })),
		upstreams: (workers) => workers.map(({ worker, upstreams }) => ({ worker, upstreams })),
		limits: (workers) => workers.map(({ worker, limits }) => ({ worker, limits })),
		waiting: (workers) =>
			workers.flatMap(({ worker, waiting }) => waiting.map((one) => ({ worker, ...one }))),
	};
	for (const [name, of] of Object.entries(told))
		app.get(`/api/${name}`, async (context) => context.json(of(await view.snapshots())));
	app.get("/api/failures", async (context) => context.json(await view.recentFailures()));
	app.get("/api/config", (context) => context.json(shownSettings(view.settings)));
	addCommands(app, view);
	app.notFound((context) => context.json({ error: "not here: see docs/gateway-admin.md" }, 404));
	app.onError((error, context) =>
		context.json({ error: error.message }, error instanceof HTTPException ? error.status : 500),
	);
	return app;
}
