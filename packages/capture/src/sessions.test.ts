/** What can go wrong between us and a database, and the gap it leaves: what, where, what next, no password. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MissingProgramError } from "@plumbline/lab/debian-program";
import { openServers } from "@plumbline/lab/servers";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import pg from "pg";
import { systemClock } from "./clock.ts";
import { Recorder } from "./recorder.ts";
import { collectSessions } from "./sessions.ts";

const servers = openServers();
after(() => servers.stop());

const PASSWORD = "hunter2-unlikely";
/** Makes the server a certificate; where it is missing that test is skipped. */
const OPENSSL = "openssl";

/** The only gap a failed reading leaves. */
async function gapOf(db: string, timeoutMs?: number): Promise<string> {
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, {
		db,
		sample: 0,
		...(timeoutMs === undefined ? {} : { timeoutMs }),
	});
	assert.equal(part, undefined);
	const { gaps } = recorder.collected();
	assert.equal(gaps.length, 1);
	assert.ok(!JSON.stringify(gaps).includes(PASSWORD));
	assert.partialDeepStrictEqual(gaps[0], { line: "pool", what: "database sessions", weight: "loss" });
	return gaps[0]?.why ?? "";
}

async function bytesOf(db: string): Promise<string> {
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, { db, sample: 0 });
	assert.ok(part, JSON.stringify(recorder.collected().gaps));
	return new TextDecoder().decode(part.bytes);
}

test("a URL of no database", async () => {
	assert.match(await gapOf(`ftp://a:${PASSWORD}@h/`), /^"ftp:\/\/a:\*\*\*@h\/" is no database URL/);
});

for (const scheme of ["postgres", "mysql"] as const) {
	test(`${scheme}: nothing listens, no such host, no such socket`, async () => {
		const closed = await listen(() => {});
		const port = portOf(closed);
		await close(closed);
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@127.0.0.1:${port}/d`),
			new RegExp(`^connection refused by 127.0.0.1:${port}: no database listens there`),
		);
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@db.invalid/d`),
			/^unknown host "db.invalid" \((?:ENOTFOUND|EAI_AGAIN)\)/,
		);
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@/d?host=/nonexistent/socket`),
			/^no server socket at \/nonexistent\/socket: check/,
		);
	});

	test(`${scheme}: a server that never answers, one that hangs up, one that speaks HTTP`, async () => {
		const held: Socket[] = [];
		const silent = await listen((socket) => held.push(socket));
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@127.0.0.1:${portOf(silent)}/d`, 60),
			/did not answer within 60 ms/,
		);
		for (const socket of held) socket.destroy();
		await close(silent);
		const rude = await listen((socket) => socket.destroy());
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@127.0.0.1:${portOf(rude)}/d`),
			/closed the connection: is it a/,
		);
		await close(rude);
		const http = await listen((socket) =>
			socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
		);
		assert.match(
			await gapOf(`${scheme}://a:${PASSWORD}@127.0.0.1:${portOf(http)}/d`),
			new RegExp(`127.0.0.1:${portOf(http)}`),
		);
		await close(http);
	});
}

test("PostgreSQL: wrong password, unknown database, no slot left, no TLS", async () => {
	const server = await servers.postgres();
	const good = new URL(server.url());
	const wrong = new URL(good);
	wrong.password = PASSWORD;
	assert.match(await gapOf(wrong.href), /refuses the password of user "postgres": check user and password/);
	assert.match(await gapOf(server.url("nowhere")), /has no database "nowhere": check the name/);
	await run(good.href, `CREATE ROLE crowded LOGIN PASSWORD '${PASSWORD}' CONNECTION LIMIT 0`);
	assert.match(
		await gapOf(`postgres://crowded:${PASSWORD}@127.0.0.1:${good.port}/postgres`),
		/has no connection slot left \(too many connections for role "crowded"\)/,
	);
	assert.match(
		await gapOf(good.href.replace("disable", "require")),
		/speaks no TLS, which sslmode=require asks for/,
	);
	assert.match(
		await gapOf(`postgres://crowded@127.0.0.1:${good.port}/postgres`),
		/asks for a password, and the database URL has none/,
	);
	assert.match(await bytesOf(good.href.replace("disable", "prefer")), /"readsAllStats":true/);
});

test("PostgreSQL over TLS: require, prefer, and a certificate that is or is not trusted", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-tls-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const [key, cert] = [join(folder, "server.key"), join(folder, "server.crt")];
	const made = spawnSync(OPENSSL, [
		"req",
		"-x509",
		"-newkey",
		"rsa:2048",
		"-nodes",
		"-days",
		"2",
		"-subj",
		"/CN=lab",
		"-addext",
		"subjectAltName=IP:127.0.0.1",
		"-keyout",
		key,
		"-out",
		cert,
	]);
	if (made.error) {
		assert.notEqual(process.env.CI, "true", "openssl is not installed");
		t.skip("missing tool: openssl");
		return;
	}
	const server = await servers.postgres();
	const plain = server.url();
	const [row] = await run(plain, "SHOW data_directory");
	const data = String(row?.data_directory);
	const owner = statSync(data);
	for (const path of [key, cert]) {
		const name = join(data, path === key ? "server.key" : "server.crt");
		writeFileSync(name, readFileSync(path), { mode: 0o600 });
		chownSync(name, owner.uid, owner.gid);
	}
	await run(plain, "ALTER SYSTEM SET ssl = on");
	await run(plain, "SELECT pg_reload_conf()");
	const over = (query: string) => plain.replace("sslmode=disable", query);
	// The reload reaches the server's main process by a signal; each connection meets the old or the new state.
	for (let tries = 0; (await run(plain, "SHOW ssl"))[0]?.ssl !== "on"; tries++) assert.ok(tries < 1000);
	assert.match(await bytesOf(over("sslmode=require")), /"readsAllStats":true/);
	assert.match(await bytesOf(over("sslmode=prefer")), /"readsAllStats":true/);
	assert.match(await bytesOf(over(`sslmode=verify-full&sslrootcert=${cert}`)), /"readsAllStats":true/);
	assert.match(
		await gapOf(over("sslmode=verify-full")),
		/^the certificate of 127.0.0.1:\d+ is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): give its authority/,
	);
});

test("MariaDB: wrong password, unknown database, no TLS, and a unix socket", async (t) => {
	const server = await servers.mariadb().catch((error: unknown) => {
		if (!(error instanceof MissingProgramError) || process.env.CI === "true") throw error;
		t.skip(error.message);
	});
	if (server === undefined) return;
	await server.createDatabase("lab_errors");
	const wrong = new URL(server.url("lab_errors"));
	wrong.password = PASSWORD;
	assert.match(await gapOf(wrong.href), /refuses the password of user "root": check user and password/);
	assert.match(await gapOf(server.url("nowhere")), /has no database "nowhere": check the name/);
	assert.match(
		await gapOf(server.url("elsewhere", "orders_app")),
		/may not enter database "elsewhere".*leave the name out/,
	);
	assert.match(
		await gapOf(`${server.url("lab_errors")}?ssl-mode=REQUIRED`),
		/speaks no TLS, which sslmode=require asks for/,
	);
	const admin = await createConnection(server.url("lab_errors"));
	const [rows] = await admin.query<RowDataPacket[]>("SELECT @@socket AS socket");
	await admin.end();
	const url = new URL(server.url("lab_errors"));
	const text = await bytesOf(`mysql://${url.username}:${url.password}@/?socket=${rows[0]?.socket}`);
	assert.doesNotMatch(text, /"ip"/);
});

async function run(url: string, sql: string): Promise<Record<string, unknown>[]> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		return (await client.query<Record<string, unknown>>(sql)).rows;
	} finally {
		await client.end();
	}
}

function listen(onConnection: (socket: Socket) => void): Promise<Server> {
	const server = createServer((socket) => {
		// Read, so that the other side's goodbye is seen and the server can close.
		socket.on("error", () => {}).resume();
		onConnection(socket);
	});
	return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function portOf(server: Server): number {
	const address = server.address();
	return address !== null && typeof address === "object" ? address.port : 0;
}

function close(server: Server): Promise<void> {
	return new Promise((resolve) => server.close(() => resolve()));
}
