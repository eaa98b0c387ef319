/**
 * Debian's dnsmasq on a loopback address, that knows a few names and nobody else to ask:
 *
 *   carrier               127.0.0.1
 *   what it is told       an address, or an alias of another name it knows
 *   below lab, example, invalid: any other name does not exist
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import { requireProgram } from "./debian-program.ts";
import type { KnownNames } from "./naming.ts";
import { startTied, type TiedProcess } from "./tied-process.ts";

/** The name that every service of the lab may look up. */
const NAME = "carrier";
const DENIED = ["lab", "example", "invalid"];
const START_MS_MAX = 10_000;
const TRY_MS = 100;

/** Returns when it answers. Throws with its last lines when it does not come up. */
export async function startDnsmasq({
	address,
	port,
	knows = {},
}: {
	readonly address: string;
	readonly port: number;
	readonly knows?: KnownNames;
}): Promise<Pick<TiedProcess, "stop">> {
	const program = await requireProgram("dnsmasq", "dnsmasq-base");
	const server = await startTied(program, [
		"--keep-in-foreground",
		"--conf-file=/dev/null",
		"--no-resolv",
		"--no-hosts",
		"--bind-interfaces",
		`--listen-address=${address}`,
		`--port=${port}`,
		...DENIED.map((zone) => `--local=/${zone}/`),
		`--address=/${NAME}/127.0.0.1`,
		...Object.entries(knows).map(([name, value]) =>
			isIP(value) === 0 ? `--cname=${name},${value}` : `--host-record=${name},${value}`,
		),
		"--pid-file=",
		"--user=root",
		"--cache-size=0",
	]);
	if (await answers(address, port)) return server;
	await server.stop("SIGTERM");
	throw new Error(`dnsmasq did not start:\n${server.tail()}`);
}

/** Asks for the A record of the lab's name until it is told. */
async function answers(address: string, port: number): Promise<boolean> {
	// Header: id 7, recursion desired, one question. Name, type A, class IN.
	const query = Buffer.from([
		0,
		7,
		1,
		0,
		0,
		1,
		0,
		0,
		0,
		0,
		0,
		0,
		NAME.length,
		...Buffer.from(NAME),
		0,
		0,
		1,
		0,
		1,
	]);
	const socket = createSocket("udp4");
	socket.on("error", () => {});
	const until = performance.now() + START_MS_MAX;
	try {
		while (performance.now() < until) {
			socket.send(query, port, address);
			const answered = once(socket, "message", { signal: AbortSignal.timeout(TRY_MS) });
			if (
				await answered.then(
					() => true,
					() => false,
				)
			)
				return true;
		}
		return false;
	} finally {
		socket.close();
	}
}
