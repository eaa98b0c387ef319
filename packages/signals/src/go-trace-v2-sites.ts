/** The stacks of a Go execution trace, each kept once over all generations, and the places that made goroutines. */
import type { TraceTables } from "./go-trace-v2-tables.ts";
import type { Frame } from "./goroutines.ts";

/** Distinct stacks kept; a large service has some thousand that create or block. */
const STACKS_MAX = 100_000;
/** Distinct pairs of creating stack and function. */
const SITES_MAX = 50_000;

export interface Site {
	readonly stack: number;
	readonly entry: string;
	readonly offset: number;
	born: number;
	ended: number;
}

export class Sites {
	readonly stacks: (readonly Frame[])[] = [];
	readonly sites = new Map<string, Site>();
	readonly #stackByText = new Map<string, number>();
	#tables: TraceTables | undefined;
	/** By id, which means something in one generation only. */
	#stackById = new Map<number, number | undefined>();
	#siteByIds = new Map<number, Map<number, Site | undefined>>();

	begin(tables: TraceTables): void {
		this.#tables = tables;
		this.#stackById = new Map();
		this.#siteByIds = new Map();
	}

	/** Index in `stacks`; undefined where the trace does not have it. */
	stack(id: number): number | undefined {
		if (this.#stackById.has(id)) return this.#stackById.get(id);
		const index = this.#keep(this.#tables?.stack(id) ?? []);
		this.#stackById.set(id, index);
		return index;
	}

	of(stackId: number, entryId: number, offset: number): Site | undefined {
		let ofStack = this.#siteByIds.get(stackId);
		if (ofStack === undefined) {
			ofStack = new Map();
			this.#siteByIds.set(stackId, ofStack);
		}
		if (ofStack.has(entryId)) return ofStack.get(entryId);
		const site = this.#site(this.stack(stackId), this.#tables?.stack(entryId)?.[0]?.func ?? "", offset);
		ofStack.set(entryId, site);
		return site;
	}

	#site(stack: number | undefined, entry: string, offset: number): Site | undefined {
		if (stack === undefined) return undefined;
		const key = `${stack} ${entry}`;
		const known = this.sites.get(key);
		if (known !== undefined || this.sites.size >= SITES_MAX) return known;
		const site: Site = { stack, entry, offset, born: 0, ended: 0 };
		this.sites.set(key, site);
		return site;
	}

	#keep(frames: readonly Frame[]): number | undefined {
		if (frames.length === 0) return undefined;
		const text = frames.map(({ func, file, line }) => `${func}\n${file}\n${line}`).join("\n");
		const known = this.#stackByText.get(text);
		if (known !== undefined || this.stacks.length >= STACKS_MAX) return known;
		this.#stackByText.set(text, this.stacks.length);
		this.stacks.push(frames);
		return this.stacks.length - 1;
	}
}
