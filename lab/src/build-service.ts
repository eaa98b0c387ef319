/**
 * Builds the lab's Go programs, once a distinct source, toolchain, module file and way of building.
 *
 * The binary lies in .cache/lab/ under a name made from all of them, so that a change of any builds
 * anew and nothing else does.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where the Go sources are. */
export const GO_FOLDER = join(import.meta.dirname, "..", "go");
const CACHE_FOLDER = join(import.meta.dirname, "..", "..", ".cache", "lab");

/** A first build fetches modules, perhaps a toolchain, and compiles everything. */
const BUILD_MS_MAX = 600_000;
const PROBE_MS_MAX = 300_000;
const SOURCES_MAX = 1_000;

export type Build =
	| { readonly kind: "built"; readonly path: string; readonly goVersion: string }
	/** No usable Go here: the lab cannot run, captures can still be replayed. */
	| { readonly kind: "no-go"; readonly why: string }
	/** Go is there and the build failed: a fault of the lab or of the network. */
	| { readonly kind: "failed"; readonly why: string };

/** The ways services are built where they really run, and what each asks of the compiler. */
const BUILD_FLAGS = {
	normal: [],
	// Many images: no symbol table and no DWARF. Go's own line table stays, the runtime needs it.
	stripped: ["-ldflags=-s -w"],
	// Paths begin with the module's name instead of the folder it was built in.
	trimpath: ["-trimpath"],
	// Loaded at a random address: what the file says is off by the load bias.
	pie: ["-buildmode=pie"],
} as const satisfies Record<string, readonly string[]>;

export type BuildVariant = keyof typeof BUILD_FLAGS;

export const BUILD_VARIANTS = Object.keys(BUILD_FLAGS) as readonly BuildVariant[];

export interface BuildOptions {
	/** Which command of lab/go. Default: the service. */
	readonly program?: "labsvc" | "borrows" | "vanished";
	/** `go1.19.8`, `go1.27.1`; `local` or absent = the installed Go as it is. */
	readonly toolchain?: string;
	/** Default: normal. */
	readonly variant?: BuildVariant;
	readonly signal?: AbortSignal;
}

export async function buildService(asked: BuildOptions = {}): Promise<Build> {
	const { program = "labsvc", variant = "normal", signal } = asked;
	const toolchain = asked.toolchain === "local" ? undefined : asked.toolchain;
	const env = { ...process.env, CGO_ENABLED: "0", ...(toolchain ? { GOTOOLCHAIN: toolchain } : {}) };
	const options = { cwd: GO_FOLDER, env, timeout: PROBE_MS_MAX, ...(signal ? { signal } : {}) };
	let goVersion: string;
	try {
		const { stdout } = await run("go", ["env", "GOVERSION"], options);
		goVersion = stdout.trim();
	} catch (error) {
		signal?.throwIfAborted();
		return { kind: "no-go", why: noGo(error, toolchain) };
	}
	const moduleFile = moduleFileFor(goVersion);
	const key = sourcesKey(`${goVersion} ${moduleFile} ${process.arch} ${BUILD_FLAGS[variant].join(" ")}`);
	const family = `${program}-${goVersion}-${variant}-`;
	const path = join(CACHE_FOLDER, `${family}${key}`);
	if (existsSync(path)) return { kind: "built", path, goVersion };
	mkdirSync(CACHE_FOLDER, { recursive: true });
	const modules = moduleFile === NEXT_MODULES ? writeNextModules() : moduleFile;
	const building = `${path}.${process.pid}.tmp`;
	try {
		const flags = [`-modfile=${modules}`, "-buildvcs=false", ...BUILD_FLAGS[variant]];
		const args = ["build", ...flags, "-o", building, `./cmd/${program}`];
		await run("go", args, { ...options, timeout: BUILD_MS_MAX });
	} catch (error) {
		rmSync(building, { force: true });
		signal?.throwIfAborted();
		return { kind: "failed", why: `go build: ${saidBy(error)}` };
	}
	// Renaming is atomic: two builders at once end with one whole binary.
	renameSync(building, path);
	dropOlder(family, path);
	return { kind: "built", path, goVersion };
}

const OLD_MODULES = "go.old.mod";
const NEXT_MODULES = "go.next.mod";

/**
 * Which module file a toolchain builds with. Old compilers need old libraries; from Go 1.27 on the
 * `go` line itself matters, since it turns on goroutine labels in dump headers.
 */
function moduleFileFor(goVersion: string): string {
	const minor = Number(/^go1\.(\d+)/.exec(goVersion)?.[1] ?? Number.NaN);
	if (minor < 26) return OLD_MODULES;
	return minor >= 27 ? NEXT_MODULES : "go.mod";
}

/** go.mod with its `go` line raised to 1.27, kept in the cache: nothing else differs. */
function writeNextModules(): string {
	const path = join(CACHE_FOLDER, NEXT_MODULES);
	const current = readFileSync(join(GO_FOLDER, "go.mod"), "utf8");
	writeFileSync(path, current.replace(/^go 1\.\d+(\.\d+)?$/m, "go 1.27.0"));
	writeFileSync(path.replace(/mod$/, "sum"), readFileSync(join(GO_FOLDER, "go.sum")));
	return path;
}

function sourcesKey(seed: string): string {
	const hash = createHash("sha256").update(seed);
	const names = readdirSync(GO_FOLDER, { recursive: true, encoding: "utf8" })
		.filter((name) => /\.(go|mod|sum)$/.test(name))
		.sort();
	if (names.length > SOURCES_MAX) throw new Error(`${names.length} sources in lab/go`);
	for (const name of names) hash.update(`\0${name}\0`).update(readFileSync(join(GO_FOLDER, name)));
	return hash.digest("hex").slice(0, 16);
}

/** Binaries of former sources; one that still runs keeps its file until it ends. */
function dropOlder(family: string, path: string): void {
	const older = readdirSync(CACHE_FOLDER)
		.filter((name) => name.startsWith(family) && !name.endsWith(".tmp"))
		.map((name) => join(CACHE_FOLDER, name))
		.filter((file) => file !== path);
	for (const file of older) rmSync(file, { force: true });
}

function noGo(error: unknown, toolchain: string | undefined): string {
	if ((error as NodeJS.ErrnoException).code === "ENOENT") return "no `go` on PATH";
	return toolchain ? `toolchain ${toolchain} is not to be had: ${saidBy(error)}` : saidBy(error);
}

const SAID_CHARS_MAX = 2_000;

function saidBy(error: unknown): string {
	const { stderr, message } = error as { stderr?: string; message?: string };
	return (stderr?.trim() || message || String(error)).slice(0, SAID_CHARS_MAX);
}
