/**
 * Writes goroutine dumps as Go prints them, so that tests say what a service was doing and the real decoder
 * reads it:
 *
 *     goroutine 25 [chan receive]:
 *     database/sql.(*Tx).awaitDone(0xc0000fa180)
 *     	/usr/local/go/src/database/sql/sql.go:2212 +0x29
 *     created by database/sql.(*DB).beginDC in goroutine 24
 *     	/usr/local/go/src/database/sql/sql.go:1925 +0x1ef
 */

export interface Call {
	readonly func: string;
	/** As printed between the brackets. */
	readonly args: string;
	readonly file: string;
	readonly line: number;
}

export interface Goroutine {
	readonly goid: number;
	readonly state: string;
	/** Innermost first. */
	readonly calls: readonly Call[];
	readonly createdBy: Call;
	/** Id of the creator; printed since Go 1.21. */
	readonly creator: number;
}

export interface DumpStyle {
	/** Go 1.21 and later say who created a goroutine. */
	readonly creators: boolean;
}

export function dumpText(
	goroutines: readonly Goroutine[],
	{ creators }: DumpStyle = { creators: true },
): string {
	return goroutines.map((g) => `${goroutineText(g, creators)}\n`).join("\n");
}

function goroutineText({ goid, state, calls, createdBy, creator }: Goroutine, creators: boolean): string {
	const suffix = creators && creator > 0 ? ` in goroutine ${creator}` : "";
	return [
		`goroutine ${goid} [${state}]:`,
		...calls.flatMap((c) => [`${c.func}(${c.args})`, `\t${c.file}:${c.line} +0x29`]),
		`created by ${createdBy.func}${suffix}`,
		`\t${createdBy.file}:${createdBy.line} +0x1ef`,
	].join("\n");
}

/** A call whose file is where Go or the library keeps it. Lines are made up: rules never match on them. */
export function call(func: string, args = ""): Call {
	return { func, args, file: fileOf(func), line: 100 + (func.length % 89) };
}

/** A call of the service's own code: `app("main.placeOrder", 42)`. */
export function app(func: string, line: number): Call {
	return { func, args: "0xc000011230", file: "/srv/app/orders.go", line };
}

function fileOf(func: string): string {
	if (func.startsWith("database/sql.")) return "/usr/local/go/src/database/sql/sql.go";
	if (func.startsWith("net/http.")) return "/usr/local/go/src/net/http/server.go";
	const lib = /^(gorm\.io\/gorm|github\.com\/jackc\/(?:pgx\/v\d|puddle\/v2|pgconn))/.exec(func)?.[1];
	if (lib !== undefined) return `/root/go/pkg/mod/${lib}@v1.0.0/source.go`;
	return `/usr/local/go/src/${func.slice(0, func.lastIndexOf("/") + 1)}source.go`;
}
