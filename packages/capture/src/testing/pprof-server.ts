/** A server that answers like net/http/pprof, or badly: the targets of this room's tests. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** The grouped profile of `total` goroutines, all at one place. */
export function profileOf(total: number): string {
	return `goroutine profile: total ${total}\n${total} @ 0x1 0x2\n#\t0x1\tmain.work+0x1\t/srv/main.go:7\n\n`;
}

export function dumpOf(total: number): string {
	const one = (id: number) => `goroutine ${id} [select]:\nmain.work()\n\t/srv/main.go:7 +0x1\n`;
	return Array.from({ length: total }, (_, i) => one(i + 1)).join("\n");
}

/** Answers `/debug/pprof/goroutine?debug=1` and `?debug=2` as told; gone when the test ends. */
export async function servePprof(
	t: TestContext,
	answer: (debug: "1" | "2", response: ServerResponse) => void,
): Promise<string> {
	const server = createServer((request, response) => {
		const debug = /^\/debug\/pprof\/goroutine\?debug=([12])$/.exec(request.url ?? "")?.[1];
		if (debug === "1" || debug === "2") return answer(debug, response);
		response.writeHead(404).end("404 page not found\n");
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
}
