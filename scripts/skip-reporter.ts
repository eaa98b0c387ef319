/**
 * A node:test reporter that writes down only the tests that were skipped, one JSON object a line, for
 * test.ts to sum up. The spec reporter runs beside it and shows everything.
 */

/** The one kind of event this reporter reads; the others pass by. */
interface TestEvent {
	readonly type: string;
	readonly data?: {
		readonly name?: string;
		readonly file?: string;
		readonly skip?: string | boolean;
		/** Where the test stands in a suite: 0 at the top. */
		readonly nesting?: number;
	};
}

export interface Skip {
	readonly test: string;
	readonly file: string;
	/** "" when the test gave none. */
	readonly reason: string;
}

export default async function* skips(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
	for await (const { type, data } of events) {
		if (type !== "test:pass" && type !== "test:fail") continue;
		if (data?.skip === undefined || data.skip === false) continue;
		const skip: Skip = {
			test: data.name ?? "?",
			file: data.file ?? "?",
			reason: typeof data.skip === "string" ? data.skip : "",
		};
		yield `${JSON.stringify(skip)}\n`;
	}
}
