/**
 * Which frames are the service's own code.
 *
 * With build info this is exact: the main module and `main` are the application, the dependencies are not.
 * Without it, whatever is neither standard library nor a well-known library is taken for the application;
 * that can mislead on a private library, which then is named as the holder instead of its caller.
 */
import type { GoBuild } from "@plumbline/signals/go-binary";
import type { Frame } from "@plumbline/signals/goroutines";

/** First path elements of the standard library, Go 1.19 to 1.27. */
const STANDARD_LIBRARY: ReadonlySet<string> = new Set(
	(
		"archive bufio bytes cmp compress container context crypto database debug embed encoding errors expvar " +
		"flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp " +
		"runtime slices sort strconv strings structs sync syscall testing text time unicode unique unsafe vendor weak"
	).split(" "),
);

const WELL_KNOWN_LIBRARY =
	/^(gorm\.io|golang\.org|google\.golang\.org|go\.opentelemetry\.io|go\.uber\.org|gopkg\.in|entgo\.io|xorm\.io|github\.com\/(jackc|lib\/pq|go-sql-driver|jinzhu|jmoiron|prometheus|gin-gonic|labstack|go-chi|gorilla|gofiber|valyala|XSAM|uptrace|ngrok|qustavo|DataDog|grpc-ecosystem|go-kit|urfave|spf13|sirupsen|rs|uber|stretchr|Masterminds|volatiletech|go-pg|upper|sqlc-dev))(\/|$)/;

/** Import path of a function: everything before the first dot after the last slash. */
export function packageOf(func: string): string {
	const slash = func.lastIndexOf("/");
	const dot = func.indexOf(".", slash + 1);
	return dot < 0 ? func : func.slice(0, dot);
}

/** A function of Go's own packages; of the program's `main` it is not. */
export function isStandardLibrary(func: string): boolean {
	const [first = ""] = packageOf(func).split("/", 1);
	return STANDARD_LIBRARY.has(first);
}

export type IsApplication = (frame: Frame) => boolean;

/** Makes the test for one service; `build` is its build info where it could be read. */
export function applicationTest(build: GoBuild | undefined): IsApplication {
	const main = build?.main?.path;
	const libraries = build?.modules.map((m) => m.path) ?? [];
	const known = new Map<string, boolean>();
	const decide = (pkg: string): boolean => {
		if (pkg === "main") return true;
		if (main !== undefined && within(pkg, main)) return true;
		if (libraries.some((path) => within(pkg, path))) return false;
		const first = pkg.split("/", 1)[0] ?? pkg;
		return !STANDARD_LIBRARY.has(first) && !WELL_KNOWN_LIBRARY.test(pkg);
	};
	return ({ func }) => {
		const pkg = packageOf(func).replaceAll("%2e", ".");
		let answer = known.get(pkg);
		if (answer === undefined) {
			answer = decide(pkg);
			known.set(pkg, answer);
		}
		return answer;
	};
}

function within(pkg: string, modulePath: string): boolean {
	return pkg === modulePath || pkg.startsWith(`${modulePath}/`);
}
