/**
 * A certificate for one name, signed by an authority made for it: what DNS over TLS and over HTTPS are verified by.
 *
 *   CN=Plumbline lab CA (thrown away with its folder) ── signs ──▶ subjectAltName DNS:<name>, or IP:<address>
 *
 * openssl gets a configuration of its own, so that the one of the machine does not matter.
 */
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { requireDnsProgram } from "./dns-servers-program.ts";

const run = promisify(execFile);

export interface LabCertificate {
	readonly tlsName: string;
	/** PEM; the files hold the same. */
	readonly certificate: string;
	readonly key: string;
	readonly certificateFile: string;
	readonly keyFile: string;
	/** PEM of the authority that signed it. */
	readonly certificateAuthority: string;
	/** SHA-256 of the public key, base64 (RFC 7858 section 4.2). */
	readonly spkiPin: string;
}

const OPENSSL_MS_MAX = 20_000;
const CONFIGURATION = `[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
`;

/** Makes it in `folder`, which may be one that a server of another user reads. */
export async function makeLabCertificate(folder: string, tlsName: string): Promise<LabCertificate> {
	const openssl = requireDnsProgram("openssl", "openssl");
	const place = join(folder, "tls");
	mkdirSync(place);
	const file = (name: string) => join(place, name);
	const kind = isIP(tlsName) === 0 ? "DNS" : "IP";
	writeFileSync(file("openssl.cnf"), `${CONFIGURATION}subjectAltName = ${kind}:${tlsName}\n`);
	const common = ["req", "-x509", "-config", file("openssl.cnf"), "-nodes", "-days", "2"];
	const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
	const make = (...args: string[]) =>
		run(openssl, [...common, ...newKey, ...args], { timeout: OPENSSL_MS_MAX });
	const authority = ["-keyout", file("ca.key"), "-out", file("ca.pem")];
	await make("-subj", "/CN=Plumbline lab CA", "-extensions", "authority", ...authority);
	const signer = ["-CA", file("ca.pem"), "-CAkey", file("ca.key")];
	const server = ["-keyout", file("server.key"), "-out", file("server.pem")];
	await make("-subj", `/CN=${tlsName}`, "-extensions", "server", ...signer, ...server);
	chmodSync(file("server.key"), 0o644);
	const certificate = readFileSync(file("server.pem"), "utf8");
	return {
		tlsName,
		certificate,
		key: readFileSync(file("server.key"), "utf8"),
		certificateFile: file("server.pem"),
		keyFile: file("server.key"),
		certificateAuthority: readFileSync(file("ca.pem"), "utf8"),
		spkiPin: spkiPin(certificate),
	};
}

function spkiPin(certificate: string): string {
	const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
	return createHash("sha256").update(key).digest("base64");
}
