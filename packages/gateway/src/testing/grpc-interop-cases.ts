/** gRPC's interop cases by a client of @grpc/grpc-js, each told by the name it has there. */
import assert from "node:assert/strict";
import {
	type Client,
	type ClientReadableStream,
	Metadata,
	type MethodDefinition,
	type ServiceError,
	type StatusObject,
	status,
} from "@grpc/grpc-js";
import {
	ECHO_INITIAL,
	ECHO_TRAILING,
	type InputRequest,
	type InputResponse,
	type OutputRequest,
	type SimpleRequest,
	type SimpleResponse,
	TEST_SERVICE,
	UNIMPLEMENTED_SERVICE,
} from "./grpc-interop-server.ts";

export interface InteropCase {
	readonly name: string;
	run(client: Client): Promise<void>;
}

const LARGE_REQUEST_BYTES = 271_828;
const LARGE_RESPONSE_BYTES = 314_159;
const REQUEST_SIZES = [27_182, 8, 1828, 45_904];
const RESPONSE_SIZES = [31_415, 9, 2653, 58_979];
const SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";

const CASES: Readonly<Record<string, (client: Client) => Promise<void>>> = {
	async empty_unary(client) {
		assert.deepEqual((await unary(client, "EmptyCall", {})).response, {});
	},
	async large_unary(client) {
		const request: SimpleRequest = {
			response_size: LARGE_RESPONSE_BYTES,
			payload: { body: Buffer.alloc(LARGE_REQUEST_BYTES) },
		};
		const { response } = await unary<SimpleRequest, SimpleResponse>(client, "UnaryCall", request);
		assert.equal(response?.payload.body.length, LARGE_RESPONSE_BYTES);
	},
	async client_streaming(client) {
		const answered = Promise.withResolvers<InputResponse | undefined>();
		const call = uploading(client, (error, response) =>
			error === null ? answered.resolve(response) : answered.reject(error),
		);
		for (const size of REQUEST_SIZES) call.write({ payload: { body: Buffer.alloc(size) } });
		call.end();
		assert.equal((await answered.promise)?.aggregated_payload_size, 74_922);
	},
	async server_streaming(client) {
		const { path, requestSerialize, responseDeserialize } = method<OutputRequest, SimpleResponse>(
			"StreamingOutputCall",
		);
		const request = { response_parameters: RESPONSE_SIZES.map((size) => ({ size })) };
		const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
		assert.deepEqual(await sizesOf(call), RESPONSE_SIZES);
	},
	async ping_pong(client) {
		const call = duplex(client);
		const end = statusOf(call);
		for (const [at, size] of RESPONSE_SIZES.entries()) {
			const answered = once<SimpleResponse>(call, "data");
			call.write({
				response_parameters: [{ size }],
				payload: { body: Buffer.alloc(REQUEST_SIZES[at] as number) },
			});
			assert.equal((await answered).payload.body.length, size);
		}
		call.end();
		assert.equal((await end).code, status.OK);
	},
	async empty_stream(client) {
		const call = duplex(client);
		const sizes = sizesOf(call);
		call.end();
		assert.deepEqual(await sizes, []);
	},
	async custom_metadata(client) {
		const bytes = Buffer.from([0xab, 0xab, 0xab]);
		const metadata = new Metadata();
		metadata.set(ECHO_INITIAL, "test_initial_metadata_value");
		metadata.set(ECHO_TRAILING, bytes);
		const answer = await unary(client, "EmptyCall", {}, metadata);
		assert.deepEqual(answer.initial?.get(ECHO_INITIAL), ["test_initial_metadata_value"]);
		assert.deepEqual(answer.end.metadata.get(ECHO_TRAILING), [bytes]);
		const call = duplex(client, metadata);
		const initial = once<Metadata>(call, "metadata");
		const end = statusOf(call);
		call.write({ response_parameters: [{ size: 1 }] });
		call.end();
		call.resume();
		assert.deepEqual((await initial).get(ECHO_INITIAL), ["test_initial_metadata_value"]);
		assert.deepEqual((await end).metadata.get(ECHO_TRAILING), [bytes]);
	},
	async status_code_and_message(client) {
		const wanted = { code: status.UNKNOWN, message: "test status message" };
		const answer = await unary(client, "UnaryCall", { response_status: wanted });
		assert.equal(answer.end.code, wanted.code);
		assert.equal(answer.end.details, wanted.message);
		const call = duplex(client);
		const end = statusOf(call);
		call.write({ response_parameters: [], response_status: wanted });
		call.end();
		call.resume();
		assert.equal((await end).code, wanted.code);
		assert.equal((await end).details, wanted.message);
	},
	async special_status_message(client) {
		const wanted = { code: status.UNKNOWN, message: SPECIAL_MESSAGE };
		const answer = await unary(client, "UnaryCall", { response_status: wanted });
		assert.equal(answer.end.code, wanted.code);
		assert.equal(answer.end.details, SPECIAL_MESSAGE);
	},
	async unimplemented_method(client) {
		assert.equal((await unary(client, "UnimplementedCall", {})).end.code, status.UNIMPLEMENTED);
	},
	async unimplemented_service(client) {
		const definition = UNIMPLEMENTED_SERVICE.UnimplementedCall as MethodDefinition<object, object>;
		const answer = await unaryBy(client, definition, {}, new Metadata(), {});
		assert.equal(answer.end.code, status.UNIMPLEMENTED);
	},
	async cancel_after_begin(client) {
		const ended = Promise.withResolvers<ServiceError | null>();
		const call = uploading(client, (error) => ended.resolve(error));
		call.write({ payload: { body: Buffer.alloc(1) } });
		call.cancel();
		assert.equal((await ended.promise)?.code, status.CANCELLED);
	},
	async cancel_after_first_response(client) {
		const call = duplex(client);
		const end = statusOf(call);
		const answered = once<SimpleResponse>(call, "data");
		call.write({ response_parameters: [{ size: 31_415 }], payload: { body: Buffer.alloc(27_182) } });
		assert.equal((await answered).payload.body.length, 31_415);
		call.cancel();
		assert.equal((await end).code, status.CANCELLED);
	},
	async timeout_on_sleeping_server(client) {
		const call = duplex(client, new Metadata(), { deadline: Date.now() + 1 });
		const end = statusOf(call);
		call.write({
			response_parameters: [{ size: 1, interval_us: 1_000_000 }],
			payload: { body: Buffer.alloc(27_182) },
		});
		call.resume();
		assert.equal((await end).code, status.DEADLINE_EXCEEDED);
	},
};

export const INTEROP_CASES: readonly InteropCase[] = Object.entries(CASES).map(([name, run]) => ({
	name,
	run,
}));

interface Answer<Response> {
	readonly response: Response | undefined;
	readonly initial: Metadata | undefined;
	readonly end: StatusObject;
}

function unary<Request, Response>(
	client: Client,
	name: string,
	request: Request,
	metadata = new Metadata(),
): Promise<Answer<Response>> {
	return unaryBy(client, method<Request, Response>(name), request, metadata, {});
}

async function unaryBy<Request, Response>(
	client: Client,
	{ path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
	request: Request,
	metadata: Metadata,
	options: object,
): Promise<Answer<Response>> {
	const answered = Promise.withResolvers<Response | undefined>();
	const ended = Promise.withResolvers<StatusObject>();
	let initial: Metadata | undefined;
	client
		.makeUnaryRequest(
			path,
			requestSerialize,
			responseDeserialize,
			request,
			metadata,
			options,
			(_error, response) => answered.resolve(response),
		)
		.on("metadata", (came) => {
			initial = came;
		})
		.on("status", ended.resolve);
	return { response: await answered.promise, end: await ended.promise, initial };
}

export function duplex(client: Client, metadata = new Metadata(), options = {}) {
	const { path, requestSerialize, responseDeserialize } = method<OutputRequest, SimpleResponse>(
		"FullDuplexCall",
	);
	const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
	call.on("error", () => undefined);
	return call;
}

function uploading(client: Client, done: (error: ServiceError | null, response?: InputResponse) => void) {
	const { path, requestSerialize, responseDeserialize } = method<InputRequest, InputResponse>(
		"StreamingInputCall",
	);
	return client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, done);
}

function method<Request, Response>(name: string): MethodDefinition<Request, Response> {
	return TEST_SERVICE[name] as MethodDefinition<Request, Response>;
}

async function sizesOf(call: ClientReadableStream<SimpleResponse>): Promise<number[]> {
	const end = statusOf(call);
	const sizes: number[] = [];
	call.on("data", ({ payload }: SimpleResponse) => sizes.push(payload.body.length));
	assert.equal((await end).code, status.OK);
	return sizes;
}

export function statusOf(call: ClientReadableStream<SimpleResponse>): Promise<StatusObject> {
	call.on("error", () => undefined);
	return once<StatusObject>(call, "status");
}

function once<Value>(
	from: { once(event: string, listener: (value: Value) => void): unknown },
	event: string,
): Promise<Value> {
	return new Promise((resolve) => {
		from.once(event, resolve);
	});
}
