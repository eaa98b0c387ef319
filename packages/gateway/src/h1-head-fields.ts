/** What heads of requests and responses have alike: fields as places in bytes. */
export interface HeadLimits {
	readonly headBytesMax: number;
	readonly fieldsMax: number;
	/** Requests only. */
	readonly targetBytesMax: number;
}

export class H1Fields {
	/** What Content-Length says, 0 without body, undefined for chunked and until close. */
	bodyLength: number | undefined = 0;

	/** First value by this name in lower case. */
	value(_name: string): string | undefined {
		return undefined;
	}

	each(_visit: (name: string, value: string) => void): void {}

	/** Copies the bytes of the head away from a buffer that will be used again. */
	detach(): void {}

	/** Lets go of the bytes, and of a head that was only begun; the view can be used for the next. */
	release(): void {}
}
