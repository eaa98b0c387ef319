/**
 * The arrows of the house, executable. ARCHITECTURE.md says them in words; scripts/arrows.test.ts plants
 * a violation of each and expects it to be found.
 */

const room = (name) => `^packages/${name}/src/`;
/** Tests, and what only tests use. */
const TEST = "[.]test[.]ts$|/testing/";
const PURE = "^packages/(signals|diagnosis|report|policy)/src/";

/** Each room and the rooms it may import from, besides itself. */
const ARROWS = {
	signals: [],
	diagnosis: ["signals"],
	report: ["diagnosis", "signals"],
	policy: [],
	resolver: ["policy", "signals"],
	gateway: ["policy", "resolver", "signals"],
	kernel: ["signals"],
	capture: ["signals", "kernel"],
};

const arrowRules = Object.entries(ARROWS).flatMap(([name, allowed]) => {
	const comment = `${name} imports ${allowed.length === 0 ? "no other room" : `only ${allowed.join(", ")}`}`;
	const rule = { name: `arrow-${name}`, comment, severity: "error" };
	const pathNot = [name, ...allowed].map(room);
	return [
		{
			...rule,
			from: { path: room(name), pathNot: TEST },
			to: { path: "^(packages|lab|bench|scripts)/", pathNot },
		},
		// A test may stage what it reads: the lab's servers are real ones.
		{
			...rule,
			from: { path: `^packages/${name}/src.*(${TEST})` },
			to: { path: "^(packages|bench|scripts)/", pathNot },
		},
	];
});

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
	forbidden: [
		...arrowRules,
		{
			name: "arrow-lab",
			comment: "lab stands apart: it may read signals and nothing else of ours",
			severity: "error",
			from: { path: "^lab/src/" },
			to: { path: "^(packages|bench|scripts)/", pathNot: room("signals") },
		},
		{
			name: "arrow-scripts",
			comment: "scripts judge the house from outside: nothing imports them, they import nothing of it",
			severity: "error",
			from: { path: "^scripts/" },
			to: { path: "^(packages|lab|bench)/" },
		},
		{
			name: "arrow-back",
			comment: "nothing in packages imports bench or scripts",
			severity: "error",
			from: { path: "^packages/" },
			to: { path: "^(bench|scripts)/" },
		},
		{
			name: "pure-core",
			comment: "the pure rooms see no clock, file, socket or environment: no core module",
			severity: "error",
			from: { path: PURE, pathNot: TEST },
			to: { dependencyTypes: ["core"] },
		},
		{
			name: "pure-npm",
			comment: "the pure rooms use no package from outside",
			severity: "error",
			from: { path: PURE, pathNot: TEST },
			to: { path: "node_modules" },
		},
		{
			name: "no-test-import",
			comment: "no code rests on a test or on what only tests use; what is measured is staged as tests do",
			severity: "error",
			from: { pathNot: `${TEST}|^bench/` },
			to: { path: TEST },
		},
		{
			name: "h2-behind-streams",
			comment: "above h2-* nobody knows that node:http2 is below: stream.ts is all there is to know",
			severity: "error",
			from: { path: room("gateway"), pathNot: ["/h2-[^/]+$", TEST] },
			to: { path: "^(node:)?http2$" },
		},
		{ name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
		{
			name: "unresolved",
			comment: "an import that leads nowhere, or to a package no package.json names",
			severity: "error",
			from: {},
			to: { couldNotResolve: true },
		},
		{
			name: "undeclared",
			comment: "a package that the importing workspace's package.json (or the root's) does not name",
			severity: "error",
			from: {},
			to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
		},
		{
			name: "dead-file",
			comment:
				"a source file that neither the command nor the bench nor a thread or process of theirs can reach",
			severity: "error",
			from: { path: "^(packages/cli/src/main[.]ts|bench/.*|.*-thread[.]ts|.*/worker-main[.]ts)$" },
			to: {
				path: "^(packages/[^/]+|lab)/src/",
				pathNot: [TEST, "[.]d[.]ts$", "^packages/cli/src/main[.]ts$", "-thread[.]ts$", "/worker-main[.]ts$"],
				reachable: false,
			},
		},
	],
	options: {
		doNotFollow: { path: "node_modules" },
		exclude: { path: "^lab/go/|/fixtures/" },
		tsPreCompilationDeps: true,
		tsConfig: { fileName: "tsconfig.json" },
		combinedDependencies: true,
		enhancedResolveOptions: {
			exportsFields: ["exports"],
			conditionNames: ["import", "node", "default", "types"],
			extensions: [".ts", ".mjs", ".js", ".d.ts"],
		},
	},
};
