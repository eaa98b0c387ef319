/** Heads that are sound, odd or hostile, put together from pieces by whoever draws lots: tests and fuzzing. */

export interface Lots {
	/** 0 <= n < below. */
	below(below: number): number;
	of<T>(choices: readonly T[]): T;
	oneIn(many: number): boolean;
}

const REQUEST_LINES = [
	"GET / HTTP/1.1",
	"GET /a/b?c=d HTTP/1.1",
	"POST /form HTTP/1.1",
	"HEAD / HTTP/1.1",
	"OPTIONS * HTTP/1.1",
	"GET http://a.example/x HTTP/1.1",
	"GET http://a.example?x HTTP/1.1",
	"CONNECT a.example:443 HTTP/1.1",
	"GET / HTTP/1.0",
	"M-SEARCH /x HTTP/1.1",
	"GET / HTTP/2.0",
	"GET * HTTP/1.1",
	"GET /\x7f HTTP/1.1",
];
const STATUS_LINES = [
	"HTTP/1.1 200 OK",
	"HTTP/1.1 200",
	"HTTP/1.1 204 No Content",
	"HTTP/1.1 304 Not Modified",
	"HTTP/1.1 100 Continue",
	"HTTP/1.1 101 Switching Protocols",
	"HTTP/1.0 200 OK",
	"HTTP/1.1 503 \xe9",
	"HTTP/1.1 600 No",
	"HTTP/1.1  200 OK",
];
const NAMES = [
	"Host",
	"Content-Length",
	"Transfer-Encoding",
	"Connection",
	"Upgrade",
	"TE",
	"Expect",
	"Keep-Alive",
	"Accept",
	"X-Request-Id",
	"Cookie",
	"content_length",
	"X_Forwarded-For",
	"User-Agent",
	"A",
	"",
	"X Y",
];
const VALUES = [
	"a.example",
	"A.EXAMPLE",
	"a.example:443",
	"b.example",
	"5",
	"0",
	"05",
	"+5",
	"9007199254740991",
	"9007199254740992",
	"chunked",
	"Chunked",
	"chunked, gzip",
	"close",
	"keep-alive, x-request-id",
	"upgrade",
	"websocket",
	"trailers",
	"100-continue",
	"text/html;q=0.9, */*",
	"\xe9\xff",
	"\t",
	"",
	"x".repeat(40),
];
const SPACES = [" ", " ", " ", "", "  ", "\t", " \t "];
const ENDS = [
	"\r\n",
	"\r\n",
	"\r\n",
	"\r\n",
	"\r\n",
	"\r\n",
	"\r\n",
	"\n",
	"\r",
	"\r\n ",
	"\r\r\n",
	"\0\r\n",
];
const FIELDS_MAX = 7;
const WOUNDS = [
	...'\0\t\n\v\r "#,:/;@_\x7f\x80\xff',
	"\r\n",
	"\n\n",
	"\r\n\r\n",
	"\r\n ",
	"GET / HTTP/1.1\r\n",
];

export function someRequest(lots: Lots): string {
	return someHead(lots, lots.of(REQUEST_LINES), lots.oneIn(10) ? "\r\n" : "", !lots.oneIn(6));
}

export function someResponse(lots: Lots): string {
	return someHead(lots, lots.of(STATUS_LINES), "", false);
}

function someHead(lots: Lots, line: string, before: string, hasHost: boolean): string {
	const isClean = !lots.oneIn(3);
	const end = () => (isClean ? "\r\n" : lots.of(ENDS));
	let text = `${before}${line}${end()}`;
	if (hasHost) text += `Host: a.example${end()}`;
	for (let fields = lots.below(FIELDS_MAX); fields > 0; fields--) {
		const name = lots.of(NAMES);
		if (isClean && (name === "" || name === "X Y")) continue;
		text += `${lots.oneIn(4) ? name.toUpperCase() : name}:${lots.of(SPACES)}${lots.of(VALUES)}${lots.oneIn(8) ? lots.of(SPACES) : ""}${end()}`;
	}
	text += "\r\n";
	return lots.oneIn(4) ? wounded(text, lots) : text;
}

export function wounded(text: string, lots: Lots): string {
	let hurt = text;
	for (let left = 1 + lots.below(3); left > 0; left--) {
		const at = lots.below(hurt.length + 1);
		const cut = lots.below(3);
		hurt = hurt.slice(0, at) + (lots.oneIn(3) ? "" : lots.of(WOUNDS)) + hurt.slice(at + cut);
	}
	return hurt;
}
