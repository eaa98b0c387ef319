/**
 * Tables of sessions in text, as the clients of databases print them. What is a table of sessions is known
 * by the names of its columns; which columns, and in which order, is whoever asked free to choose.
 *
 * ```
 *   pid  |        state        |  query            psql, aligned; also with border 2, with drawn frames, wrapped
 * -------+---------------------+---------------
 *   9878 | idle in transaction | update orders +
 *        |                     |  where id = 1
 * (1 row)
 * pid|state|query                                  psql -A; comma, semicolon and tab too, quoted as CSV is
 * -[ RECORD 1 ]-------------                       psql \x
 * pid   | 9878
 * +----+-------+------+                            mysql; its statements keep their line ends, without padding
 * | Id | Info  | Time |
 * +----+-------+------+
 * *************************** 1. row ***          mysql \G
 *      Id: 5
 * ```
 * A statement may hold the separator itself: then the columns before it and behind it are counted from the
 * ends of the row.
 */
import { readAligned } from "./sessions-text-aligned.ts";
import { readDelimited } from "./sessions-text-delimited.ts";
import { readExpanded } from "./sessions-text-expanded.ts";
import type { TextLine } from "./sessions-text-lines.ts";
import type { TextTable } from "./sessions-text-record.ts";

/** Asks each form in turn; undefined when no table begins at this line. */
export function tableAt(lines: readonly TextLine[], at: number): TextTable | undefined {
	return readExpanded(lines, at) ?? readAligned(lines, at) ?? readDelimited(lines, at);
}
