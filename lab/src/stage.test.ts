import { after, test } from "node:test";
import { openServers } from "./servers.ts";
import { stageScenario } from "./stage.ts";

const servers = openServers();
after(() => servers.stop());
for (const name of (process.env.LAB_ONLY ?? "tx-error-background").split(","))
	test(name, async () => {
		const t = performance.now();
		const stage = await stageScenario(name, { servers });
		console.log(name, Math.round(performance.now() - t), stage.load?.counts());
		await stage.stop();
	});
