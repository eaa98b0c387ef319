/**
 * The only script of the report. The page is whole without it: it adds buttons that copy a command, and opens what is
 * folded before printing where the style sheet alone cannot.
 */
export const SCRIPT = `
for (const button of document.querySelectorAll("button.copy")) {
	const code = button.parentElement.querySelector("code");
	button.hidden = false;
	button.addEventListener("click", async () => {
		try {
			await navigator.clipboard.writeText(code.textContent);
			button.textContent = "Copied";
		} catch {
			getSelection().selectAllChildren(code);
			button.textContent = "Selected";
		}
	});
}
let opened = [];
addEventListener("beforeprint", () => {
	opened = [...document.querySelectorAll("details:not([open])")];
	for (const folded of opened) folded.open = true;
});
addEventListener("afterprint", () => {
	for (const folded of opened) folded.open = false;
});
`;

/** What the page's own policy lets run: this text and nothing else. A test holds the two together. */
export const SCRIPT_HASH = "sha256-bmVvTMuCYPBSqx9OmSahPjCr6laHkhMNeNQ2FuaLrX0=";
