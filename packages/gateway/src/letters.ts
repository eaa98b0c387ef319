/**
 * V8 has many forms of strings: flat, cut out of another, joined, interned. Where more than four of them have come by,
 * `text.charCodeAt` is looked up anew for every letter, at ten times the letter's cost; called like this it is not.
 */
export const letterAt = String.prototype.charCodeAt;
