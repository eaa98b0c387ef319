/** The sign that one address is given for names that have nothing to do with each other. */
import { DNS_TYPE } from "./dns-message.ts";
import { isBelow } from "./dns-name.ts";
import { isSameNetwork, natureOf } from "./dns-verdict-address.ts";
import { readDnsAnswer } from "./dns-verdict-answer.ts";
import {
	type DnsControl,
	type DnsReason,
	handshakeWith,
	quoteValues,
	type ReadComparison,
} from "./dns-verdict-comparison.ts";
import { isInside, zoneOf } from "./dns-verdict-zone.ts";

/** One address for so many owners beside the one asked for, if nobody knows that they are different ones. */
const OTHER_OWNERS_MIN = 3;

/**
 * Other names get it as well. Those made up at random prove it at once. Names of customers of one content network share
 * addresses too, and the domains of one company: so trusted ones must know them in different networks, and there must be
 * several, unless whoever asks knows that they are somebody else's.
 */
export function oneAddress(read: ReadComparison): DnsReason | undefined {
	const { suspect, asked, controls, values, trusted } = read;
	const address = strangeAddress(read);
	// Of a name that nobody has, the next sign speaks.
	if (address === undefined || trusted.every(({ outcome }) => outcome === "denied")) return undefined;
	if (isGivenToMadeUp(read)) {
		return { id: "one-address", says: `${address} for ${asked.name}, and for names made up at random` };
	}
	// A proxy of the inside, for all domains of a company.
	if (values.size === 0 || natureOf(address) === "private") return undefined;
	if ([...values].some((value) => isSameNetwork(address, value)) || suspect.chain.length > 0)
		return undefined;
	const owners = new Map<string, DnsControl>();
	for (const control of controls) {
		const zone = zoneOf(control.asked.name);
		if (zone === zoneOf(asked.name) || isInside(control.asked.name)) continue;
		const told = readDnsAnswer(control.suspect, control.asked).values;
		const truth = control.trusted.flatMap((one) => readDnsAnswer(one, control.asked).values);
		if (truth.length === 0 || told.length !== 1 || told[0] !== address || truth.includes(address)) continue;
		if (truth.some((value) => [...values].some((other) => isSameNetwork(value, other)))) continue;
		owners.set(zone, control);
	}
	const isKnown = [...owners.values()].some(({ foreign }) => foreign === true);
	if (owners.size < (isKnown ? 1 : OTHER_OWNERS_MIN)) return undefined;
	const names = [...owners.values()].map((control) => control.asked.name);
	return {
		id: "one-address",
		says: `${address} for ${asked.name} and for ${quoteValues(names)}, which trusted ones know elsewhere`,
	};
}

/** The only address that it gives, if no trusted server and no certificate knows it. */
function strangeAddress({ suspect, asked, values, handshakes }: ReadComparison): string | undefined {
	const [address, ...more] = suspect.values;
	if ((asked.type !== DNS_TYPE.A && asked.type !== DNS_TYPE.AAAA) || address === undefined) return undefined;
	if (more.length > 0 || values.has(address) || handshakeWith(handshakes, address) === "valid")
		return undefined;
	return address;
}

export function isGivenToMadeUp(read: ReadComparison): boolean {
	const address = strangeAddress(read);
	return (
		address !== undefined && rewrittenNames(read.controls).some(({ values }) => values.includes(address))
	);
}

/** Random names below `.invalid`, which nobody has (RFC 6761), that the suspect has an address for. */
export function rewrittenNames(controls: ReadComparison["controls"]) {
	return controls.flatMap(({ asked, suspect }) => {
		if (!isBelow(asked.name, "invalid.")) return [];
		const { values } = readDnsAnswer(suspect, asked);
		return values.length === 0 ? [] : { name: asked.name, values };
	});
}
