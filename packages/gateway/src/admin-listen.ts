/** Where the admin server listens: an address, a socket file only its owner may use, or a socket that was handed over. */
import { unlink } from "node:fs/promises";
import { createConnection, type Server } from "node:net";
import type { AdminSettings } from "./settings.ts";

/** `127.0.0.1:9901`, `[::1]:9901`, `unix:/run/admin.sock`. Rejects with what the system says. */
export async function listenAdmin(
	server: Server,
	{ host, port, path }: AdminSettings,
	fd: number | undefined,
): Promise<string> {
	if (fd !== undefined) await listening(server, () => server.listen({ fd }));
	else if (path === undefined)
		await listening(server, () => server.listen({ host: host ?? "127.0.0.1", port: port ?? 0 }));
	else await listenFile(server, path);
	const address = server.address();
	if (address === null || typeof address === "string") return `unix:${address ?? path ?? ""}`;
	return address.family === "IPv6"
		? `[${address.address}]:${address.port}`
		: `${address.address}:${address.port}`;
}

async function listenFile(server: Server, path: string): Promise<void> {
	try {
		await listening(server, () => listenOwned(server, path));
	} catch (error) {
		const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
		if (!isTaken || (await isAnswered(path))) throw error;
		// Left by a process that was killed.
		await unlink(path);
		await listening(server, () => listenOwned(server, path));
	}
}

/** The file is made within `listen`, with the rights of this moment. */
function listenOwned(server: Server, path: string): void {
	const before = process.umask(0o177);
	try {
		server.listen(path);
	} finally {
		process.umask(before);
	}
}

function listening(server: Server, listen: () => void): Promise<void> {
	return new Promise((resolve, reject) => {
		const failed = (error: Error) => {
			server.off("listening", heard);
			reject(error);
		};
		const heard = () => {
			server.off("error", failed);
			resolve();
		};
		server.once("error", failed);
		server.once("listening", heard);
		listen();
	});
}

function isAnswered(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection(path);
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
}
