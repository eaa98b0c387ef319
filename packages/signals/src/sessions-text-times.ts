/**
 * Moments and spans as databases print them, in milliseconds.
 *
 *     2026-11-22 18:04:42.881343+00    2026-11-22T18:04:42Z    2026-11-22 18:04:42+05:30    2026-11-22 18:05:32
 *     00:00:05.029912    1 day 02:03:04    3 days    -00:00:00.000001    2 mons 1 day 00:00:01
 *
 * A moment without a zone is taken as UTC: moments of one table are only compared with each other.
 */

const MOMENT =
	/^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(?:Z|([+-])(\d\d):?(\d\d)?(?::\d\d)?)?$/;

/** Since the epoch; undefined for what is no moment. */
export function momentOf(text: string): number | undefined {
	const parts = MOMENT.exec(text);
	if (parts === null) return undefined;
	const [, year, month, day, hour, minute, second, fraction = "0", sign, zoneHour = "0", zoneMinute = "0"] =
		parts;
	const wall = Date.UTC(
		Number(year),
		Number(month) - 1,
		Number(day),
		Number(hour),
		Number(minute),
		Number(second),
	);
	const zoneMs = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60_000 * (sign === "-" ? -1 : 1);
	return wall + Math.round(Number(`0.${fraction}`) * 1000) - zoneMs;
}

const SPAN =
	/^(?:(-?\d+) years? ?)?(?:(-?\d+) mons? ?)?(?:(-?\d+) days? ?)?(?:(-)?(\d+):(\d\d):(\d\d(?:\.\d+)?))?$/;
const DAY_MS = 86_400_000;

/** How long; below zero is taken for no time. */
export function spanMsOf(text: string): number | undefined {
	const parts = text === "" ? null : SPAN.exec(text);
	if (parts === null) return undefined;
	const [, years = "0", months = "0", days = "0", minus, hours = "0", minutes = "0", seconds = "0"] = parts;
	const clock = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
	const dated = (Number(years) * 365 + Number(months) * 30 + Number(days)) * DAY_MS;
	return Math.max(0, Math.round(dated + (minus === undefined ? clock : -clock)));
}
