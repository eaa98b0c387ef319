/**
 * Takes secrets out of what is read from a target before it becomes part of a capture; what replaces a
 * secret is `***`, what stays is unchanged. SQL has its own file (sql.ts).
 */
export { redactArgument, redactCommandLine } from "./redact-command-line.ts";
export { redactLabels, redactMetricLabels } from "./redact-labels.ts";
export { redactUrl } from "./redact-url.ts";
