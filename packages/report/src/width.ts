/**
 * Columns that text takes on a terminal: 2 for East Asian wide characters and emoji, 0 for marks that sit on
 * the letter before. Terminals differ on emoji sequences; where they do, this counts too many, never too few.
 */

/** East Asian Width W and F, Unicode 16, in ranges rounded outwards to whole blocks. */
const WIDE =
	/[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d37f}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const MARK = /[\p{Mn}\p{Me}]/u;
const PLAIN = /^[ -~]*$/;

function charColumns(char: string): number {
	if (MARK.test(char)) return 0;
	return WIDE.test(char) ? 2 : 1;
}

export function columnsOf(text: string): number {
	if (PLAIN.test(text)) return text.length;
	let columns = 0;
	for (const char of text) columns += charColumns(char);
	return columns;
}

/** The longest start of the text that fits, and what is left. */
export function splitAtColumn(text: string, columnsMax: number): readonly [string, string] {
	let columns = 0;
	let end = 0;
	for (const char of text) {
		columns += charColumns(char);
		if (columns > columnsMax) break;
		end += char.length;
	}
	return [text.slice(0, end), text.slice(end)];
}
