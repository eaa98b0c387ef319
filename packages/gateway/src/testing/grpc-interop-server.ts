/** A server of gRPC's interop service, by @grpc/grpc-js. */
import { fileURLToPath } from "node:url";
import {
	Metadata,
	Server,
	ServerCredentials,
	type ServerDuplexStream,
	type ServerReadableStream,
	type ServerUnaryCall,
	type ServerWritableStream,
	type ServiceDefinition,
	type sendUnaryData,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export interface Payload {
	readonly body: Buffer;
}
export interface EchoStatus {
	readonly code: number;
	readonly message: string;
}
export interface SimpleRequest {
	readonly response_size?: number;
	readonly payload?: Payload | null;
	readonly response_status?: EchoStatus | null;
}
export interface SimpleResponse {
	readonly payload: Payload;
}
export interface InputRequest {
	readonly payload: Payload;
}
export interface InputResponse {
	readonly aggregated_payload_size: number;
}
export interface OutputRequest {
	readonly response_parameters: readonly { readonly size: number; readonly interval_us?: number }[];
	readonly payload?: Payload | null;
	readonly response_status?: EchoStatus | null;
}

const PROTO = fileURLToPath(new URL("./grpc-interop.proto", import.meta.url));
const loaded = loadSync(PROTO, { keepCase: true, defaults: true });

export const TEST_SERVICE = loaded["grpc.testing.TestService"] as ServiceDefinition;
export const UNIMPLEMENTED_SERVICE = loaded["grpc.testing.UnimplementedService"] as ServiceDefinition;
export const ECHO_INITIAL = "x-grpc-test-echo-initial";
export const ECHO_TRAILING = "x-grpc-test-echo-trailing-bin";

export interface InteropServer {
	readonly port: number;
	/** Calls that the server saw cancelled. */
	readonly cancelled: number;
	/** Resolves when the next one is. */
	nextCancelled(): Promise<void>;
	close(): void;
}

export async function openInteropServer(): Promise<InteropServer> {
	let cancelled = 0;
	let tell: (() => void)[] = [];
	const watch = (call: { on(event: "cancelled", listener: () => void): unknown }) =>
		call.on("cancelled", () => {
			cancelled++;
			for (const each of tell.splice(0)) each();
		});
	const server = new Server();
	server.addService(TEST_SERVICE, implementation(watch));
	const port = await new Promise<number>((resolve, reject) =>
		server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
			error === null ? resolve(bound) : reject(error),
		),
	);
	return {
		port,
		get cancelled() {
			return cancelled;
		},
		nextCancelled: () =>
			new Promise((resolve) => {
				tell = [...tell, resolve];
			}),
		close: () => server.forceShutdown(),
	};
}

type Watch = (call: { on(event: "cancelled", listener: () => void): unknown }) => unknown;

function implementation(watch: Watch) {
	return {
		EmptyCall(call: ServerUnaryCall<object, object>, done: sendUnaryData<object>) {
			echoInitial(call);
			done(null, {}, echoTrailing(call));
		},
		UnaryCall(call: ServerUnaryCall<SimpleRequest, SimpleResponse>, done: sendUnaryData<SimpleResponse>) {
			echoInitial(call);
			const { response_status: status, response_size: size = 0 } = call.request;
			if (status) done({ code: status.code, details: status.message, metadata: echoTrailing(call) });
			else done(null, { payload: { body: Buffer.alloc(size) } }, echoTrailing(call));
		},
		StreamingInputCall(
			call: ServerReadableStream<InputRequest, InputResponse>,
			done: sendUnaryData<InputResponse>,
		) {
			watch(call);
			let size = 0;
			call.on("data", ({ payload }: InputRequest) => {
				size += payload.body.length;
			});
			call.on("end", () => done(null, { aggregated_payload_size: size }));
		},
		async StreamingOutputCall(call: ServerWritableStream<OutputRequest, SimpleResponse>) {
			watch(call);
			for (const { size } of call.request.response_parameters) await write(call, size);
			call.end();
		},
		FullDuplexCall(call: ServerDuplexStream<OutputRequest, SimpleResponse>) {
			watch(call);
			echoInitial(call);
			const trailing = echoTrailing(call);
			call.on("data", (request: OutputRequest) => {
				const { response_status: status } = request;
				if (status) call.emit("error", { code: status.code, details: status.message, metadata: trailing });
				// An interval means: never, for whoever waits for a time limit.
				for (const { size, interval_us: wait } of request.response_parameters)
					if (!wait) call.write({ payload: { body: Buffer.alloc(size) } });
			});
			call.on("end", () => call.end(trailing));
		},
	};
}

async function write(call: ServerWritableStream<OutputRequest, SimpleResponse>, size: number) {
	if (call.write({ payload: { body: Buffer.alloc(size) } })) return;
	await new Promise((resolve) => {
		call.once("drain", resolve);
		call.once("cancelled", resolve);
	});
}

interface Echoing {
	readonly metadata: Metadata;
	sendMetadata(metadata: Metadata): void;
}

function echoInitial(call: Echoing): void {
	const [value] = call.metadata.get(ECHO_INITIAL);
	if (value === undefined) return;
	const metadata = new Metadata();
	metadata.set(ECHO_INITIAL, value);
	call.sendMetadata(metadata);
}

function echoTrailing(call: Echoing): Metadata {
	const trailing = new Metadata();
	const [value] = call.metadata.get(ECHO_TRAILING);
	if (value !== undefined) trailing.set(ECHO_TRAILING, value);
	return trailing;
}
