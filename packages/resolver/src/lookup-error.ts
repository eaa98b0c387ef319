/** The numbers libuv gives to errors of getaddrinfo. */
const ERRNO = { ENOTFOUND: -3008, EAI_AGAIN: -3001 } as const;

/**
 * What `dns.lookup` would say, with the same code: ENOTFOUND, the name does not exist or has no address of the family
 * that was asked for; EAI_AGAIN, nobody could tell.
 */
export class LookupError extends Error {
	readonly code: keyof typeof ERRNO;
	readonly errno: number;
	readonly syscall = "getaddrinfo";
	readonly hostname: string;

	constructor(code: keyof typeof ERRNO, hostname: string, detail: string, cause?: unknown) {
		// Programs look for the beginning as Node writes it.
		super(`getaddrinfo ${code} ${hostname}: ${detail}`, { cause });
		this.name = "LookupError";
		this.code = code;
		this.errno = ERRNO[code];
		this.hostname = hostname;
	}
}
