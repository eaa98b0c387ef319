import { ChaosGateway } from "@plumbline/gateway/testing/chaos-gateway";
import { ChaosLoad } from "@plumbline/gateway/testing/chaos-load";
import { ChaosSession } from "@plumbline/gateway/testing/chaos-sessions";
import { startChaosUpstreams } from "@plumbline/gateway/testing/chaos-upstream";

const ups = await startChaosUpstreams(3);
const g = new ChaosGateway();
await g.start(
	`workers: 1
upstreams: { u: { servers: [${ups.map((u) => `"${u.url}"`)}] } }
routes: [{ path: /, to: u }]`,
	{ inspect: true },
);
g.ended.then(e => console.log("ENDED", JSON.stringify(e), g.lines.slice(5).join("\n")));
console.log(g.port, g.adminPort, await g.heapBytes(), g.sockets());
const load = new ChaosLoad({ port: g.port, perSecond: 200 });
const s = new ChaosSession({
	port: g.port,
	kind: "websocket",
	path: "/ws",
	broken: (e) => console.log(JSON.stringify(e)),
});
const st = new ChaosSession({
	port: g.port,
	kind: "stream",
	path: "/stream",
	broken: (e) => console.log(JSON.stringify(e)),
});
await s.opened;
await st.opened;
s.say();
await load.more(400);
await ups[0].kill();
await load.more(100);
await ups[0].start();
await load.more(300);
await load.stop();
console.log(g.lines.slice(-14).join("\n"));
console.log(
	load.sent,
	load.answered,
	load.skipped,
	load.failures.length,
	load.failures.slice(0, 2),
	[...load.byServer],
	load.percentile(0.5),
	load.percentile(0.99),
	s.server,
	s.out,
	st.bytes,
);
s.end();
st.end();
console.log(JSON.stringify(await g.processes()), JSON.stringify((await g.endpoints())[0]));
console.log(await g.heapBytes(), g.sockets());
await g.stop();
for (const u of ups) {
	console.log(u.posts.length);
	await u.kill();
}
