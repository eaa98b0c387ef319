/** How the report looks: calm, dense and legible on a screen by day and by night, and on paper. No font, no image. */

/** Every pair of text and ground has a contrast of at least 4.5; see the browser test. */
const COLOURS = `
:root {
	color-scheme: light dark;
	--paper: #f5f6f8; --sheet: #ffffff; --sunk: #eff2f6; --ink: #18212d; --soft: #525e6e; --rule: #d9dfe7;
	--link: #0a569e; --critical: #a81e16; --critical-sheet: #fdeeec; --warning: #7f4a00; --warning-sheet: #fff3da;
	--note: #0a569e; --note-sheet: #e9f2fc; --busy: #3672b9; --held: #c4500f; --calm: #c3cfdd; --mark: #46566a;
	--plumb: #b0306a; --own: #dcebfa; --own-rule: #7fa9d4; --other: #eceff4; --hatch: #b7c0cc;
}
@media (prefers-color-scheme: dark) {
	:root {
		--paper: #0e131a; --sheet: #151c26; --sunk: #1c2532; --ink: #e2e8f0; --soft: #a0aec0; --rule: #2b3645;
		--link: #85b8f2; --critical: #ff9a91; --critical-sheet: #34191a; --warning: #f2ba5b; --warning-sheet: #302512;
		--note: #85b8f2; --note-sheet: #15263b; --busy: #4682c4; --held: #cf7038; --calm: #3a495f; --mark: #93a4ba;
		--plumb: #f08ab8; --own: #1d3a5a; --own-rule: #3f6a99; --other: #222c3a; --hatch: #4a586b;
	}
}`;

const TEXT = `
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
	margin: 0; background: var(--paper); color: var(--ink);
	font: 15px/1.5 "Inter", ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
	font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
code, pre, .mono {
	font-family: "JetBrains Mono", ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
	font-variant-ligatures: none; direction: ltr; unicode-bidi: isolate;
}
code { font-size: .9em; }
:not(pre) > code { background: var(--sunk); border-radius: 3px; padding: .05em .3em; }
pre { margin: 0; font-size: 12.5px; line-height: 1.5; white-space: pre-wrap; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, button:focus-visible, [tabindex]:focus-visible {
	outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px;
}
h1, h2, h3, h4, p, ol, ul, dl, dd, figure { margin: 0; }
h1 { font-size: clamp(1.35rem, 1rem + 1.5vw, 2rem); line-height: 1.22; font-weight: 650; letter-spacing: -.012em; text-wrap: balance; }
h2 { font-size: 1.2rem; font-weight: 650; margin-bottom: .75rem; }
h3 { font-size: 1.05rem; font-weight: 650; line-height: 1.35; }
h4 { font-size: .95rem; font-weight: 650; margin: 1.1rem 0 .4rem; }
h1::first-letter { text-transform: uppercase; }
.soft { color: var(--soft); }
.small { font-size: .87rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: .5rem; top: -4rem; background: var(--sheet); padding: .5rem 1rem; z-index: 9; }
.skip:focus { top: .5rem; }
bdi { unicode-bidi: isolate; }`;

const PAGE = `
.page { max-width: 78rem; margin: 0 auto; padding: 1.25rem clamp(.9rem, 3vw, 2.5rem) 3rem; }
.brand { display: flex; flex-wrap: wrap; gap: .2rem .9rem; align-items: center; padding-bottom: 1.1rem; }
.brand strong { display: inline-flex; align-items: center; gap: .45rem; }
.brand svg { width: 12px; height: 20px; }
.brand nav { margin-left: auto; }
.toc { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; font-size: .87rem; list-style: none; padding: 0; }
section { margin-top: 2.4rem; }
.sheet { background: var(--sheet); border: 1px solid var(--rule); border-radius: 6px; padding: 1.1rem 1.25rem; }
.tag { font-size: .87rem; color: var(--soft); }
.tag b { display: inline-block; padding: .02rem .5rem; border-radius: 3px; margin-right: .35rem; font-weight: 650; }
.critical .tag b { color: var(--critical); background: var(--critical-sheet); }
.warning .tag b { color: var(--warning); background: var(--warning-sheet); }
.note .tag b { color: var(--note); background: var(--note-sheet); }
.glance { margin-top: 0; }
.glance-grid { display: grid; grid-template-columns: minmax(0, 1fr) 21rem; gap: 1.4rem; margin-top: 1.1rem; align-items: start; }
.glance-grid.calm { grid-template-columns: minmax(0, 1fr); }
.calm .lines { grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); }
.answer + .answer { border-top: 1px solid var(--rule); margin-top: 1.1rem; padding-top: 1.1rem; }
.where { display: block; margin-top: .45rem; font-size: 1.02rem; line-height: 1.45; }
.where code { background: none; padding: 0; font-size: 1em; }
.where .func { font-weight: 650; }
.where .place { color: var(--soft); display: block; }
.answer p:not(.tag) { margin-top: .45rem; }
.first-step { margin-top: .6rem; }
.jump { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin-top: .7rem; padding: 0; list-style: none; }
.lines { display: grid; gap: .7rem; }
.lines dt { font-weight: 650; display: flex; gap: .5rem; align-items: baseline; }
.lines dd { color: var(--soft); font-size: .87rem; }
.state { font-size: .8rem; font-weight: 500; color: var(--soft); }
.state.unexamined, .state.partly { color: var(--warning); font-weight: 650; }
.gaps { border-left: 4px solid var(--warning); margin-top: 1.2rem; }
.gaps ul { padding-left: 1.1rem; }
.gaps li + li { margin-top: .3rem; }`;

const FINDING = `
.finding { margin-top: 1rem; }
.finding h3 { margin: .3rem 0; }
.finding > p:not(.tag) { margin-top: .4rem; }
.cols { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 2.2rem; }
.steps { padding-left: 1.3rem; }
.steps li + li { margin-top: .45rem; }
.command { position: relative; margin-top: .3rem; background: var(--sunk); border: 1px solid var(--rule); border-radius: 4px; padding: .5rem .7rem; }
.command code { user-select: all; -webkit-user-select: all; background: none; padding: 0; font-size: 12.5px; }
.copy { float: right; margin: -.1rem -.2rem .2rem .6rem; font: inherit; font-size: .8rem; padding: .1rem .6rem; color: var(--ink);
	background: var(--sheet); border: 1px solid var(--rule); border-radius: 3px; cursor: pointer; }
.plain { padding-left: 1.1rem; }
.plain li + li { margin-top: .3rem; }
.evidence { list-style: none; padding: 0; }
.evidence > li { padding: .1rem 0 .1rem 2.4rem; position: relative; scroll-margin-top: 1rem; }
.evidence > li + li { margin-top: .9rem; }
.evidence .pill { position: absolute; left: 0; top: .1rem; }
.pill { display: inline-block; min-width: 1.6rem; padding: 0 .3rem; border-radius: .8rem; text-align: center; font-size: .78rem; line-height: 1.6rem;
	font-weight: 650; color: var(--sheet); background: var(--plumb); text-decoration: none; }
.quote { border-left: 2px solid var(--rule); padding: .1rem 0 .1rem .8rem; margin: .3rem 0; }
.from { font-size: .8rem; color: var(--soft); }
:target { background: var(--note-sheet); box-shadow: 0 0 0 6px var(--note-sheet); border-radius: 2px; }
.thing { scroll-margin-top: 1rem; }
details > summary { cursor: pointer; width: fit-content; max-width: 100%; }
details[open] > summary { margin-bottom: .6rem; }
.folded { margin-top: 1rem; border-top: 1px solid var(--rule); padding-top: .8rem; }
.folded summary h4 { display: inline; margin: 0; }`;

const PICTURES = `
.row { display: grid; grid-template-columns: 14rem minmax(0, 1fr); column-gap: 1rem; }
.row > .name { display: flex; justify-content: space-between; gap: .5rem; font-size: .87rem; line-height: 1.25rem; padding: .1rem 0; }
.row.lane > .name { font-weight: 650; font-size: .95rem; align-items: flex-end; }
.row.lane:not(:first-child) { border-top: 1px solid var(--rule); }
.track > .name { padding-left: .8rem; color: var(--soft); }
.plot { position: relative; min-height: 1.5rem; }
.plot > svg { display: block; width: 100%; height: 100%; min-height: 1.5rem; position: absolute; inset: 0; overflow: visible; }
.lane > .plot { min-height: 2.1rem; }
.chart { border-top: 1px solid var(--rule); padding-top: .5rem; }
.chart > .plot { height: 6.5rem; margin: .2rem 0 .35rem; }
.chart > .name { display: block; }
.chart .value { position: absolute; right: .2rem; font-size: .75rem; line-height: 1.1; color: var(--ink); background: var(--sheet); padding: 0 .25rem; }
.key { list-style: none; padding: 0; margin-top: .2rem; color: var(--soft); }
.key i { display: inline-block; width: .8rem; height: .65rem; margin-right: .4rem; border-radius: 1px; }
.key .limit-key { height: 0; border-top: 2px dashed var(--ink); vertical-align: middle; }
.tone-busy { fill: var(--busy); background: var(--busy); } .tone-held { fill: var(--held); background: var(--held); } .tone-calm { fill: var(--calm); background: var(--calm); }
.tick { stroke: var(--mark); stroke-width: 1.6; vector-effect: non-scaling-stroke; fill: none; }
.watch { fill: var(--mark); opacity: .75; }
.limit { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 5 4; vector-effect: non-scaling-stroke; }
.base { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke; }
.plumb { stroke: var(--plumb); stroke-width: 1.2; stroke-dasharray: 2 3; vector-effect: non-scaling-stroke; }
.hole { position: absolute; top: 0; bottom: 0; background: repeating-linear-gradient(135deg, var(--hatch) 0 1px, var(--sheet) 1px 6px); }
.nothing > .plot { height: auto; min-height: 1.5rem; }
.nothing p { position: relative; }
.unread { position: absolute; inset: .25rem 0; display: flex; align-items: center; background: repeating-linear-gradient(135deg, var(--hatch) 0 1px, transparent 1px 6px); }
.unread span { background: var(--sheet); margin-left: .6rem; padding: 0 .4rem; color: var(--warning); font-size: .87rem; font-weight: 650; }
.pins { position: absolute; bottom: .25rem; display: flex; gap: 2px; white-space: nowrap; z-index: 1; }
.scale > .plot { height: 1.4rem; font-size: .75rem; color: var(--soft); border-top: 1px solid var(--rule); }
.scale span { position: absolute; top: .15rem; transform: translateX(-50%); white-space: nowrap; }
.scale span.first { transform: none; } .scale span.last { transform: translateX(-100%); }
.icicle { margin: .7rem 0 1.1rem; overflow: hidden; border: 1px solid var(--rule); border-radius: 4px; background: var(--sunk); }
.icicle ul { display: flex; list-style: none; padding: 0; margin: 0; align-items: stretch; min-width: 0; }
.icicle li { flex: 0 0 auto; min-width: 0; overflow: hidden; }
.icicle span { display: block; height: 1.45rem; line-height: 1.35rem; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; padding: 0 .3rem;
	font-size: 11.5px; background: var(--other); color: var(--ink); border: solid var(--sheet); border-width: 0 1px 1px 0; }
.icicle .own { background: var(--own); box-shadow: inset 0 -2px var(--own-rule); font-weight: 650; }
.icicle .rest { font-style: italic; color: var(--soft); background: var(--sunk); }
.icicle .thin { padding: 0; color: transparent; }
.icicle a { display: block; color: inherit; text-decoration: none; }
.icicle a:focus-visible { outline-offset: -3px; }
.icicle a:hover span { text-decoration: underline; }
.icicle li:target, .icicle li:has(:target) { width: 100% !important; }
.icicle ul:has(> li:target, > li :target) > li:not(:target, :has(:target)) { display: none; }
.icicle li:target .thin { padding: 0 .3rem; color: inherit; }
.icicle :target { background: none; box-shadow: none; scroll-margin-top: 8rem; }
.icicle li:target > a span { box-shadow: inset 0 0 0 2px var(--link); }
.family { margin-top: .5rem; }`;

const TABLES = `
.table { overflow-x: auto; }
.table + .table { margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--rule); }
thead th { font-weight: 600; color: var(--soft); border-top: 0; white-space: nowrap; overflow-wrap: normal; }
td.n, th.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
tbody th { font-weight: 500; }
th.fact { white-space: nowrap; color: var(--soft); width: 1%; padding-right: 1.6rem; }
#capture h3 { margin: 1.1rem 0 .3rem; }
#capture details { margin-top: 1.1rem; }
.raw { margin-top: 1.2rem; }
.raw h3 { font-size: .95rem; }
.raw pre { margin-top: .35rem; padding: .6rem .8rem; background: var(--sheet); border: 1px solid var(--rule); border-radius: 4px; }
.raw .l { display: block; padding-left: 6.5em; text-indent: -6.5em; min-height: 1.5em; }
.raw .o { display: inline-block; width: 6.5em; text-indent: 0; color: var(--soft); user-select: none; -webkit-user-select: none; }
.raw .q { background: var(--note-sheet); }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: .8rem; }`;

const NARROW = `
@media (max-width: 60rem) { .glance-grid, .cols { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 44rem) {
	.row { grid-template-columns: minmax(0, 1fr); }
	.track > .name { padding-left: 0; }
	.lane > .plot:not(:has(.pins, .unread)) { min-height: .4rem; }
	.lane > .plot > svg { min-height: 0; }
	.sheet { padding: .9rem; }
	.brand nav { margin-left: 0; }
	.raw .l { padding-left: 0; text-indent: 0; }
	.raw .o { display: block; }
	td.n, th.n { padding-right: .6rem; }
}
@media (forced-colors: active) { .tick, .limit, .plumb { stroke: CanvasText; } .pill { border: 1px solid; } }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }`;

const PRINT = `
@media print {
	:root {
		color-scheme: light;
		--paper: #fff; --sheet: #fff; --sunk: #f4f5f7; --ink: #000; --soft: #444d59; --rule: #c4cbd4; --link: #000;
		--critical: #8f1710; --critical-sheet: #fdeeec; --warning: #6b3e00; --warning-sheet: #fff3da; --note: #0a4680; --note-sheet: #eef4fb;
		--busy: #3672b9; --held: #c4500f; --calm: #c3cfdd; --mark: #46566a; --plumb: #96255a; --own: #dcebfa; --own-rule: #7fa9d4; --other: #eceff4; --hatch: #8d97a4;
	}
	@page { margin: 15mm 13mm; }
	* { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
	body { font-size: 9.5pt; }
	pre { font-size: 7.5pt; }
	.page { max-width: none; padding: 0; }
	.skip, .toc, .copy, .jump { display: none; }
	.sheet { border: 0; border-top: 1px solid var(--rule); border-radius: 0; padding: .6rem 0; }
	.gaps { border-left: 4px solid var(--warning); padding-left: .8rem; }
	h2, h3, h4, caption, thead { break-after: avoid; }
	figure .row, .evidence > li, .command, tr, .answer { break-inside: avoid; }
	details::details-content { content-visibility: visible; block-size: auto; }
	#raw-text { break-before: page; }
	a { text-decoration: none; }
	table { font-size: 7.5pt; } th, td { padding: .1rem .6rem .1rem 0; }
	.numbers { columns: 3; column-gap: 2rem; }
}`;

export const STYLE = [COLOURS, TEXT, PAGE, FINDING, PICTURES, TABLES, NARROW, PRINT]
	.join("\n")
	.replace(/\n\t*/g, "\n")
	.trim();
