/** Scenarios on which unbound and this resolver agree, each run on both. */
import { after, before, describe, test } from "node:test";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { runScenario } from "./testing/scenario-run.ts";
import { faketimeLibrary, UnboundStage } from "./testing/unbound-stage.ts";

/** As unbound has them by default. */
const RULES = "set mode=immediate minS=0 negativeMinS=0";

const AGREED: { readonly [title: string]: string } = {
	"a TTL counts down": `
		ask 1 down.test. A
		server down.test. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		pass 100s
		cached down.test. A cache | 200 A 192.0.2.1
		pass 150s
		cached down.test. A cache | 50 A 192.0.2.1`,
	"a week is a day": `
		ask 1 week.test. A
		server week.test. A | 604800 A 192.0.2.1
		told 1 upstream | 86400 A 192.0.2.1`,
	"names in any case": `
		ask 1 Case.TEST. A
		server case.test. A | case.test. 300 A 192.0.2.1
		told 1 upstream | case.test. 300 A 192.0.2.1
		cached CASE.test. A cache | case.test. 300 A 192.0.2.1`,
	"NXDOMAIN by the SOA's minimum": `
		ask 1 no1.test. A
		server no1.test. A NXDOMAIN | | test. 900 SOA 60
		told 1 upstream NXDOMAIN | | test. 60 SOA 60
		pass 50s
		cached no1.test. A cache NXDOMAIN | | test. 10 SOA 60`,
	"NXDOMAIN by the SOA's TTL": `
		ask 1 a.no2.test. A
		server a.no2.test. A NXDOMAIN | | no2.test. 40 SOA 900
		told 1 upstream NXDOMAIN | | no2.test. 40 SOA 900`,
	"NXDOMAIN for an hour at most": `
		ask 1 a.no3.test. A
		server a.no3.test. A NXDOMAIN | | no3.test. 86400 SOA 86400
		told 1 upstream NXDOMAIN | | no3.test. 3600 SOA 86400`,
	"no data for its type alone": `
		ask 1 a.no4.test. AAAA
		server a.no4.test. AAAA | | no4.test. 900 SOA 60
		told 1 upstream | | no4.test. 60 SOA 60
		ask 2 a.no4.test. A
		server a.no4.test. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1
		cached a.no4.test. AAAA cache | | no4.test. 60 SOA 60`,
	"an old answer at once, the new one after it": `
		ask 1 old1.test. A
		server old1.test. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		pass 400s
		ask 2 old1.test. A
		told 2 stale ede=3 | 30 A 192.0.2.1
		server old1.test. A | 300 A 192.0.2.2
		cached old1.test. A cache | 300 A 192.0.2.2`,
	"an old answer whose name is gone": `
		ask 1 a.old2.test. A
		server a.old2.test. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		pass 400s
		ask 2 a.old2.test. A
		told 2 stale ede=3 | 30 A 192.0.2.1
		server a.old2.test. A NXDOMAIN | | old2.test. 900 SOA 60
		cached a.old2.test. A cache NXDOMAIN | | old2.test. 60 SOA 60`,
	"an old answer past its staleness": `
		ask 1 old3.test. A
		server old3.test. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		pass 86701s
		ask 2 old3.test. A
		server old3.test. A | 300 A 192.0.2.2
		told 2 upstream | 300 A 192.0.2.2`,
	"an old chain": `
		ask 1 old4.test. A
		also end4.test. A | 60 A 192.0.2.1
		server old4.test. A | 300 CNAME end4.test. ; end4.test. 60 A 192.0.2.1
		told 1 upstream | 300 CNAME end4.test. ; end4.test. 60 A 192.0.2.1
		pass 400s
		ask 2 old4.test. A
		told 2 stale ede=3 | 30 CNAME end4.test. ; end4.test. 30 A 192.0.2.1
		also end4.test. A | 60 A 192.0.2.9
		server old4.test. A | 300 CNAME end4.test. ; end4.test. 60 A 192.0.2.9`,
	"an answer is fetched again in its last tenth": `
		ask 1 hot.test. A
		server hot.test. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		cached hot.test. A cache | 300 A 192.0.2.1
		pass 280s
		ask 2 hot.test. A
		told 2 cache | 20 A 192.0.2.1
		server hot.test. A | 300 A 192.0.2.2
		cached hot.test. A cache | 300 A 192.0.2.2`,
	"each record of a chain counts down by its own": `
		ask 1 chain1.test. A
		also end1.test. A | 100 A 192.0.2.1
		server chain1.test. A | 600 CNAME end1.test. ; end1.test. 100 A 192.0.2.1
		told 1 upstream | 600 CNAME end1.test. ; end1.test. 100 A 192.0.2.1
		pass 50s
		cached chain1.test. A cache | 550 CNAME end1.test. ; end1.test. 50 A 192.0.2.1`,
	"the end of a lone alias is asked for": `
		ask 1 chain2.test. A
		server chain2.test. A | 300 CNAME end2.test.
		server end2.test. A | 60 A 192.0.2.1
		told 1 upstream | 300 CNAME end2.test. ; end2.test. 60 A 192.0.2.1`,
	"an alias to a name that is not there": `
		ask 1 chain3.test. A
		also a.gone3.test. A NXDOMAIN | | gone3.test. 900 SOA 60
		server chain3.test. A NXDOMAIN | 300 CNAME a.gone3.test. | gone3.test. 900 SOA 60
		told 1 upstream NXDOMAIN | 300 CNAME a.gone3.test. | gone3.test. 60 SOA 60`,
	"a question for the alias itself": `
		ask 1 chain5.test. CNAME
		server chain5.test. CNAME | 300 CNAME end5.test.
		told 1 upstream | 300 CNAME end5.test.`,
	"a name nobody asked for is dropped": `
		ask 1 www.mine.test. A
		server www.mine.test. A | 300 A 192.0.2.1 ; bank.test. 300 A 203.0.113.9
		told 1 upstream | 300 A 192.0.2.1
		ask 2 bank.test. A
		server bank.test. A | 300 A 192.0.2.7
		told 2 upstream | 300 A 192.0.2.7`,
	"servers that cannot": `
		ask 1 fail.test. A
		server fail.test. A SERVFAIL
		told 1 failed=no-server-answered`,
	"a failure is remembered": `
		ask 1 fail2.test. A
		server fail2.test. A SERVFAIL
		told 1 failed=no-server-answered
		cached fail2.test. A failed=failed-before`,
};

const BY_NETWORK: { readonly [title: string]: string } = {
	"a scope of 24": `
		ask 1 near1.test. A ecs=192.0.2.0/24
		server near1.test. A ecs=192.0.2.0/24 scope=24 | 300 A 192.0.2.1
		told 1 upstream scope=24 | 300 A 192.0.2.1
		cached near1.test. A ecs=192.0.2.0/24 cache scope=24 | 300 A 192.0.2.1
		ask 2 near1.test. A ecs=198.51.100.0/24
		server near1.test. A ecs=198.51.100.0/24 scope=24 | 300 A 192.0.2.2
		told 2 upstream scope=24 | 300 A 192.0.2.2`,
	"a scope of 16 holds for its neighbours": `
		ask 1 near2.test. A ecs=10.1.2.0/24
		server near2.test. A ecs=10.1.2.0/24 scope=16 | 300 A 192.0.2.1
		told 1 upstream scope=16 | 300 A 192.0.2.1
		cached near2.test. A ecs=10.1.99.0/24 cache scope=16 | 300 A 192.0.2.1
		ask 2 near2.test. A ecs=10.2.2.0/24
		server near2.test. A ecs=10.2.2.0/24 scope=16 | 300 A 192.0.2.2
		told 2 upstream scope=16 | 300 A 192.0.2.2`,
	"a scope of 0 holds for all": `
		ask 1 near3.test. A ecs=192.0.2.0/24
		server near3.test. A ecs=192.0.2.0/24 scope=0 | 300 A 192.0.2.1
		told 1 upstream scope=0 | 300 A 192.0.2.1
		cached near3.test. A ecs=198.51.100.0/24 cache scope=0 | 300 A 192.0.2.1`,
};

const missing =
	missingDnsProgram("unbound") || (faketimeLibrary() === undefined ? "missing tool: faketime" : false);

together("as unbound", AGREED, ['module-config: "iterator"', "serve-expired: yes"]);
together("as unbound, by network", BY_NETWORK, [
	'module-config: "subnetcache iterator"',
	"send-client-subnet: 127.0.0.1",
	"client-subnet-always-forward: yes",
]);

function together(
	group: string,
	scripts: { readonly [title: string]: string },
	settings: readonly string[],
): void {
	describe(group, { skip: missing }, () => {
		let stage: UnboundStage;
		before(async () => {
			stage = await UnboundStage.start(settings);
		});
		after(() => stage.stop());
		for (const [title, script] of Object.entries(scripts)) {
			test(`${title}: unbound`, () => stage.run(script));
			test(`${title}: this resolver`, () => runScenario(`${RULES}\n${script}`));
		}
	});
}
