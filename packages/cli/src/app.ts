/** The command tree and how its errors read. */
import { redactArgument } from "@plumbline/signals/redact";
import {
	type Application,
	ArgumentScannerError,
	buildApplication,
	buildRouteMap,
	formatMessageForArgumentScannerError,
	text_en,
} from "@stricli/core";
import { captureCommand } from "./commands/capture.ts";
import { completionCommand } from "./commands/completion.ts";
import { demoCommand } from "./commands/demo.ts";
import { diagnoseCommand } from "./commands/diagnose.ts";
import { dnsCheckCommand } from "./commands/dns-check.ts";
import { dnsServeCommand } from "./commands/dns-serve.ts";
import { dnsTraceCommand } from "./commands/dns-trace.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { gatewayCheckCommand } from "./commands/gateway-check.ts";
import { gatewayImportCommand } from "./commands/gateway-import.ts";
import { gatewayRunCommand } from "./commands/gateway-run.ts";
import { goroutinesCommand } from "./commands/goroutines.ts";
import { labListCommand } from "./commands/lab-list.ts";
import { labRunCommand } from "./commands/lab-run.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { reclaimTimeWaitCommand } from "./commands/reclaim.ts";
import { versionCommand } from "./commands/version.ts";
import type { CliContext } from "./context.ts";
import { VERSION } from "./version.ts";

const lab = buildRouteMap<"list" | "run", CliContext>({
	docs: {
		brief: "Programs that leak in known ways, to see plumbline find them",
		fullDescription: [
			"Real Go programs that leak in known ways, and healthy ones, each with the answer expected of plumbline.",
			"They are built by the Go of this machine and staged here (docs/lab.md).",
			"",
			"EXAMPLES",
			"  plumbline lab list                       names, databases, titles",
			"  plumbline lab run tx-error-background    build, stage and diagnose one, and compare",
			"  plumbline lab run --all --runs 5         all of them, five times",
		].join("\n"),
	},
	routes: { list: labListCommand, run: labRunCommand },
});

const dns = buildRouteMap<string, CliContext>({
	docs: {
		brief: "Who answers for names, and whether it is the truth",
		fullDescription: [
			"Who answers for names, how they are looked up, and whether it is the truth.",
			"",
			"EXAMPLES",
			"  plumbline dns check --trusted tls://9.9.9.9#dns.quad9.net www.example.com",
			"                                           forged answers, with what shows it",
			"  plumbline dns trace www.example.com      the way of a lookup, with times",
			"  plumbline dns serve --upstream tls://9.9.9.9#dns.quad9.net",
			"                                           a local name server that cannot be the outage",
		].join("\n"),
	},
	routes: { check: dnsCheckCommand, trace: dnsTraceCommand, serve: dnsServeCommand },
});

const gateway = buildRouteMap<string, CliContext>({
	docs: {
		brief: "A reverse proxy for HTTP, gRPC and WebSocket whose connections have explicit lives",
		fullDescription: [
			"A reverse proxy for HTTP, gRPC and WebSocket whose connections have explicit lives. All that it does stands in",
			"one file, which is read again when it changes.",
			"",
			"EXAMPLES",
			"  plumbline gateway -c gateway.yaml         serve (the same as gateway run)",
			"  plumbline gateway check -c gateway.yaml   what it means, or what is wrong and where",
			"  plumbline gateway import nginx.conf       a configuration from nginx or Caddy",
		].join("\n"),
	},
	routes: { run: gatewayRunCommand, check: gatewayCheckCommand, import: gatewayImportCommand },
	defaultCommand: "run",
});

/** Of a map with a default command stricli proposes that command's flags and nothing else; here are the others' names. */
export function commandsBeside(words: readonly string[]): { completion: string; brief: string }[] {
	const [map, begun] = words;
	if (map !== "gateway" || begun === undefined || words.length > 2) return [];
	return gateway
		.getAllEntries()
		.map(({ name, target }) => ({ completion: name.original, brief: target.brief }))
		.filter(({ completion }) => completion.startsWith(begun));
}

const reclaim = buildRouteMap<"time-wait", CliContext>({
	docs: { brief: "First aid for a host that has run out of ports" },
	routes: { "time-wait": reclaimTimeWaitCommand },
});

const root = buildRouteMap<string, CliContext>({
	docs: {
		brief: "Finds connection leaks in running services and names the line that leaks.",
		fullDescription: [
			"Finds connection leaks in running services and names the line that leaks.",
			"",
			"EXAMPLES",
			"  plumbline demo                      see it find a leak in a real service",
			"  plumbline diagnose --pid 4711       examine a Go service on this host",
			"  plumbline diagnose --from x.plumb   the same from a capture, offline",
			"  plumbline diagnose dump.txt ss.txt  what somebody saved or pasted into a ticket",
			"  plumbline goroutines dump.txt       what the goroutines of a dump are doing",
		].join("\n"),
	},
	routes: {
		diagnose: diagnoseCommand,
		capture: captureCommand,
		goroutines: goroutinesCommand,
		ledger: ledgerCommand,
		dns,
		gateway,
		doctor: doctorCommand,
		demo: demoCommand,
		lab,
		reclaim,
		completion: completionCommand,
		version: versionCommand,
	},
});

/** `describe` puts an error that ended a command into words, `exitCodeOf` into a number. */
export interface Endings {
	readonly describe: (error: unknown) => string;
	readonly exitCodeOf: (error: unknown) => number;
}

export function buildApp({ describe, exitCodeOf }: Endings): Application<CliContext> {
	return buildApplication<CliContext>(root, {
		name: "plumbline",
		versionInfo: { currentVersion: VERSION },
		scanner: { caseStyle: "allow-kebab-for-camel" },
		documentation: { caseStyle: "convert-camel-to-kebab", useAliasInUsageLine: true },
		localization: {
			text: {
				...text_en,
				noCommandRegisteredForInput: ({ input, ...rest }) =>
					text_en.noCommandRegisteredForInput({ ...rest, input: redactArgument(input) }),
				exceptionWhileParsingArguments: (error) => describeUsage(error) ?? describe(error),
				exceptionWhileRunningCommand: describe,
				exceptionWhileLoadingCommandFunction: describe,
				exceptionWhileLoadingCommandContext: describe,
				commandErrorResult: describe,
			},
		},
		determineExitCode: exitCodeOf,
	});
}

/** Says which flag wants what. Words of the command line are repeated redacted: they may hold a password. */
function describeUsage(error: unknown): string | undefined {
	if (!(error instanceof ArgumentScannerError)) return undefined;
	return formatMessageForArgumentScannerError(error, {
		ArgumentParseError: ({ exception, input }) =>
			redactWords(exception instanceof Error ? exception.message : String(exception), input),
		UnexpectedFlagError: ({ message, input, previousInput }) => redactWords(message, input, previousInput),
		UnexpectedPositionalError: ({ message, input }) =>
			/^\d+$/.test(input) ? `${message}, did you mean --pid ${input}?` : redactWords(message, input),
	});
}

function redactWords(message: string, ...words: readonly string[]): string {
	return words.reduce((text, word) => text.replaceAll(word, () => redactArgument(word)), message);
}
