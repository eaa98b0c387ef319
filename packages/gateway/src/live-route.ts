/** A route at work: what its settings were made into, and the exchanges that go by it. */
import { fieldNames } from "./field-names.ts";
import { FORWARDED_FIELDS } from "./forwarded.ts";
import type { GateRequest } from "./gate.ts";
import type { LiveUpstream } from "./live-upstream.ts";
import type { FieldNames, FieldPairs } from "./message.ts";
import type { Mirror } from "./mirror.ts";
import type { RoutePlugins } from "./plugin-api.ts";
import type { RouteGate } from "./protect-gate.ts";
import { routeTarget } from "./route-target.ts";
import type { EditSettings, RouteSettings } from "./settings.ts";

export interface LiveRouteParts {
	readonly gate: RouteGate;
	/** By name: all that its targets name. */
	readonly upstreams: ReadonlyMap<string, LiveUpstream>;
	readonly mirror: Mirror | undefined;
	readonly plugins: RoutePlugins | undefined;
	readonly traceIdField: boolean;
}

/** Whoever goes by a route, as a link of its list: a route that goes away ends the ones that stay too long. */
export interface RouteGuest {
	before: RouteGuest | undefined;
	after: RouteGuest | undefined;
	/** The route is no more, and its time is over. */
	turnOut(): void;
}

/** Written anew for each try. */
const RENEWED_FIELDS = ["traceparent", "grpc-timeout"];

export class LiveRoute {
	readonly settings: RouteSettings;
	readonly gate: RouteGate;
	readonly mirror: Mirror | undefined;
	readonly plugins: RoutePlugins | undefined;
	readonly #upstreams: ReadonlyMap<string, LiveUpstream>;
	readonly requestSet: FieldPairs;
	readonly responseSet: FieldPairs;
	readonly responseDrop: FieldNames | undefined;
	readonly #requestDrops: readonly FieldNames[];
	#first: RouteGuest | undefined;
	#count = 0;

	constructor(settings: RouteSettings, { gate, upstreams, mirror, plugins, traceIdField }: LiveRouteParts) {
		this.settings = settings;
		this.gate = gate;
		this.mirror = mirror;
		this.plugins = plugins;
		this.#upstreams = upstreams;
		this.requestSet = pairsOf(settings.requestEdits);
		this.responseSet = pairsOf(settings.responseEdits);
		const response = [...dropsOf(settings.responseEdits), ...(traceIdField ? ["x-trace-id"] : [])];
		this.responseDrop = response.length === 0 ? undefined : fieldNames(response);
		const { deadlineField } = settings.timeouts;
		const always = [
			...dropsOf(settings.requestEdits),
			...RENEWED_FIELDS,
			...(deadlineField === undefined ? [] : [deadlineField]),
		];
		// Four sets, by whether the client is trusted and whether its trace goes on.
		this.#requestDrops = [0, 1, 2, 3].map((at) => {
			const forwarding = (at & 1) === 0 ? FORWARDED_FIELDS : ["x-forwarded-for"];
			const tracing = (at & 2) === 0 ? ["tracestate"] : [];
			return fieldNames([...always, ...forwarding, ...tracing]);
		});
	}

	get inFlight(): number {
		return this.#count;
	}

	requestDrop(trusted: boolean, traceGoesOn: boolean): FieldNames {
		return this.#requestDrops[(trusted ? 1 : 0) | (traceGoesOn ? 2 : 0)] as FieldNames;
	}

	/** The upstream that has this request; undefined: no target takes it. */
	choose(request: GateRequest): LiveUpstream | undefined {
		const target = routeTarget(this.settings, request);
		return target && this.#upstreams.get(target.upstream);
	}

	enter(guest: RouteGuest): void {
		guest.after = this.#first;
		if (this.#first !== undefined) this.#first.before = guest;
		this.#first = guest;
		this.#count++;
	}

	leave(guest: RouteGuest): void {
		if (guest.before === undefined) this.#first = guest.after;
		else guest.before.after = guest.after;
		if (guest.after !== undefined) guest.after.before = guest.before;
		guest.before = undefined;
		guest.after = undefined;
		this.#count--;
	}

	guests(): RouteGuest[] {
		const all: RouteGuest[] = [];
		for (let guest = this.#first; guest !== undefined; guest = guest.after) all.push(guest);
		return all;
	}
}

function pairsOf({ set, add }: EditSettings): string[] {
	return [...set, ...add].flatMap(([name, value]) => [name.toLowerCase(), value]);
}

function dropsOf({ set, remove }: EditSettings): string[] {
	return [...set.map(([name]) => name), ...remove].map((name) => name.toLowerCase());
}
