/** The whole collector in an installation without the optional koffi. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { registerHooks } from "node:module";
import { test } from "node:test";
import { ssCommand } from "@plumbline/kernel/ss";
import { recordingOf } from "./testing/recording.ts";

registerHooks({
	resolve(specifier, context, next) {
		if (specifier === "koffi") throw new Error("Cannot find package 'koffi'");
		return next(specifier, context);
	},
});

const { collectSockets } = await import("./sockets.ts");

test("ss takes over, and the note names what to install", async (t) => {
	const [command = "ss"] = ssCommand();
	if (spawnSync(command, ["--version"]).error !== undefined) {
		assert.notEqual(process.env.CI, "true", "missing tool: ss");
		t.skip("missing tool: ss");
		return;
	}
	const recording = await recordingOf((recorder) =>
		collectSockets(recorder, { pid: process.pid, sample: 0 }),
	);
	assert.deepEqual(
		recording.parts.map((part) => part.name),
		["sockets.0.ss.txt", "fds.0.tsv"],
	);
	assert.deepEqual(recording.gaps, [
		{
			line: "sockets",
			what: "socket details",
			why: "read by ss, since sock-diag: koffi could not be loaded (Cannot find package 'koffi'); npm install koffi",
			weight: "note",
		},
	]);
});
