/** `plumbline demo` as the command line sees it; the work is in demo.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";

export const demoCommand = buildCommand<Record<never, never>, [], CliContext>({
	docs: {
		brief: "Start a leaking GORM service on a PostgreSQL of its own and find its leak, live",
		fullDescription: [
			"Takes about a minute, needs nothing but this package and, for the live form, Go. Everything it",
			"starts is gone afterwards; the capture stays, and its place is printed.",
		].join("\n"),
		customUsage: [{ input: "", brief: "Exits with 0 when it showed a verdict" }],
	},
	parameters: {},
	loader: async () => (await import("../demo.ts")).runDemo,
});
