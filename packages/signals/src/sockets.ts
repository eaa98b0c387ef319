/** TCP sockets of one network namespace at one moment, and which process holds them. */

export type TcpState =
	| "ESTABLISHED"
	| "SYN_SENT"
	| "SYN_RECV"
	| "FIN_WAIT1"
	| "FIN_WAIT2"
	| "TIME_WAIT"
	| "CLOSE"
	| "CLOSE_WAIT"
	| "LAST_ACK"
	| "LISTEN"
	| "CLOSING"
	| "NEW_SYN_RECV";

/** The part of the kernel's tcp_info that rules use. */
export interface TcpInfo {
	readonly lastDataSentMs: number;
	readonly lastDataRecvMs: number;
	/** For CLOSE_WAIT about the age of the state. */
	readonly lastAckRecvMs: number;
	readonly rttUs: number;
	readonly totalRetrans: number;
	readonly bytesAcked: bigint;
	readonly bytesReceived: bigint;
}

export interface Socket {
	readonly state: TcpState;
	/**
	 * Textual address; an IPv4-mapped IPv6 address is given as IPv4, IPv6 in RFC 5952 form. Pasted text may
	 * name a host, or have cut its address: then it stands here as it was written, and the table has a flaw.
	 */
	readonly localIp: string;
	readonly localPort: number;
	readonly peerIp: string;
	readonly peerPort: number;
	/** Bytes. For LISTEN: connections waiting to be accepted. */
	readonly recvQ: number;
	/** Bytes. For LISTEN: the backlog. */
	readonly sendQ: number;
	readonly uid: number;
	/** 0 for TIME_WAIT: the kernel has forgotten the owner. */
	readonly inode: number;
	/** Kernel cookie: the same socket in two samples has the same one. Absent on text routes. */
	readonly cookie?: bigint;
	readonly tcpInfo?: TcpInfo;
	/** Who holds it, where the text of a tool says so itself; captures have an FdTable instead. */
	readonly pid?: number;
	readonly program?: string;
	/** Byte offset of the row in its part. */
	readonly offset: number;
}

export interface SocketTable {
	readonly sockets: readonly Socket[];
}

/** `/proc/PID/fd` read as lines `PID<TAB>FD<TAB>INODE`: which process holds which socket inode. */
export interface FdTable {
	readonly byInode: ReadonlyMap<number, { readonly pid: number; readonly fd: number }>;
}
