/** Status lines of responses that did not come as HTTP/1.1, with the reasons of RFC 9110 15. */
const REASONS: { readonly [status: number]: string } = {
	100: "Continue",
	101: "Switching Protocols",
	103: "Early Hints",
	200: "OK",
	201: "Created",
	202: "Accepted",
	204: "No Content",
	206: "Partial Content",
	301: "Moved Permanently",
	302: "Found",
	303: "See Other",
	304: "Not Modified",
	307: "Temporary Redirect",
	308: "Permanent Redirect",
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	408: "Request Timeout",
	409: "Conflict",
	410: "Gone",
	412: "Precondition Failed",
	413: "Content Too Large",
	414: "URI Too Long",
	415: "Unsupported Media Type",
	417: "Expectation Failed",
	421: "Misdirected Request",
	422: "Unprocessable Content",
	426: "Upgrade Required",
	429: "Too Many Requests",
	431: "Request Header Fields Too Large",
	499: "Client Closed Request",
	500: "Internal Server Error",
	501: "Not Implemented",
	502: "Bad Gateway",
	503: "Service Unavailable",
	504: "Gateway Timeout",
	505: "HTTP Version Not Supported",
};

const STATUS_MIN = 100;
const STATUS_MAX = 599;
const lines: (Buffer | undefined)[] = new Array(STATUS_MAX + 1).fill(undefined);

/** `HTTP/1.1 503 Service Unavailable` CRLF. */
export function statusLine(status: number): Buffer {
	if (!Number.isInteger(status) || status < STATUS_MIN || status > STATUS_MAX)
		throw new RangeError(`a status is from ${STATUS_MIN} to ${STATUS_MAX}, not ${status}`);
	let line = lines[status];
	if (line === undefined) {
		line = Buffer.from(`HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n`, "latin1");
		lines[status] = line;
	}
	return line;
}
