/** Answers that nobody vouches for, beside those that somebody did; and answers for networks (RFC 7871). */
import { scenarios } from "./testing/scenario-run.ts";

scenarios("trust", {
	"what nobody vouches for is marked and lives a minute": `
		ask 1 www.example. A
		server www.example. A plain | 300 A 192.0.2.1
		told 1 upstream plain | 60 A 192.0.2.1
		pass 59s
		cached www.example. A cache plain | 1 A 192.0.2.1
		pass 1s
		cached www.example. A no`,
	"NXDOMAIN too": `
		ask 1 no.example. A
		server no.example. A plain NXDOMAIN | | example. 900 SOA 900
		told 1 upstream plain NXDOMAIN | | example. 60 SOA 900
		pass 60s
		cached no.example. A no`,
	"its AD bit is worth nothing": `
		ask 1 www.example. A do
		server www.example. A do plain ad | 300 A 192.0.2.1
		told 1 upstream plain | 60 A 192.0.2.1`,
	"the AD bit of a verified server is kept": `
		ask 1 www.example. A do
		server www.example. A do ad | 300 A 192.0.2.1
		cached www.example. A do cache ad | 300 A 192.0.2.1`,
	"it does not take the place of an old answer that somebody vouched for": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		server www.example. A plain | 300 A 203.0.113.9
		told 2 stale ede=3 | 30 A 192.0.2.1
		pass 10s
		cached www.example. A stale ede=3 | 30 A 192.0.2.1`,
	"nor does its NXDOMAIN": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		server www.example. A plain NXDOMAIN | | example. 900 SOA 60
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"nor its NXDOMAIN of another type": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		ask 2 www.example. AAAA
		server www.example. AAAA plain NXDOMAIN | | example. 900 SOA 60
		told 2 upstream plain NXDOMAIN | | example. 60 SOA 60
		cached www.example. A cache | 300 A 192.0.2.1`,
	"an NXDOMAIN that somebody vouched for is not overruled either": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		pass 61s
		ask 2 no.example. A
		server no.example. A plain | 300 A 203.0.113.9
		told 2 stale NXDOMAIN ede=19 | | example. 30 SOA 60`,
	"fetching ahead that nobody vouches for leaves the fresh answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 280s
		cached www.example. A cache | 20 A 192.0.2.1
		server www.example. A plain | 300 A 203.0.113.9
		cached www.example. A cache | 20 A 192.0.2.1
		quiet`,
	"when the old answer is past its staleness it is all there is": `
		set staleMaxS=60
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 361s
		ask 2 www.example. A
		server www.example. A plain | 300 A 203.0.113.9
		told 2 upstream plain | 60 A 203.0.113.9
		cached www.example. A cache plain | 60 A 203.0.113.9`,
	"a verified answer takes its place at once": `
		ask 1 www.example. A
		server www.example. A plain | 300 A 203.0.113.9
		pass 61s
		ask 2 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1`,
	"a chain is as good as its worst part": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME host.example.
		server host.example. A plain | 300 A 192.0.2.1
		told 1 upstream plain | 60 CNAME host.example. ; host.example. 60 A 192.0.2.1`,
	"whichever part that is": `
		ask 1 www.example. A
		server www.example. A plain | 300 CNAME host.example.
		server host.example. A | 300 A 192.0.2.1
		told 1 upstream plain | 60 CNAME host.example. ; host.example. 60 A 192.0.2.1`,
	"it may be stale, while there is nothing better": `
		ask 1 www.example. A
		server www.example. A plain | 300 A 192.0.2.1
		pass 61s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale plain ede=3 | 30 A 192.0.2.1`,
});

scenarios("network", {
	"scope 24: for that network only": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=24 | 300 A 192.0.2.1
		told 1 upstream scope=24 | 300 A 192.0.2.1
		cached www.example. A ecs=192.0.2.0/24 cache scope=24 | 300 A 192.0.2.1
		cached www.example. A ecs=198.51.100.0/24 no
		cached www.example. A no`,
	"scope 16: for all in it": `
		ask 1 www.example. A ecs=10.1.2.0/24
		server www.example. A ecs=10.1.2.0/24 scope=16 | 300 A 192.0.2.1
		cached www.example. A ecs=10.1.99.0/24 cache scope=16 | 300 A 192.0.2.1
		cached www.example. A ecs=10.2.2.0/24 no`,
	"scope 20: bits, not octets, count": `
		ask 1 www.example. A ecs=10.1.16.0/24
		server www.example. A ecs=10.1.16.0/24 scope=20 | 300 A 192.0.2.1
		cached www.example. A ecs=10.1.31.0/24 cache scope=20 | 300 A 192.0.2.1
		cached www.example. A ecs=10.1.32.0/24 no`,
	"scope 0: for everybody": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=0 | 300 A 192.0.2.1
		cached www.example. A ecs=198.51.100.0/24 cache scope=0 | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1`,
	"no option in the answer: for everybody": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 | 300 A 192.0.2.1
		told 1 upstream scope=0 | 300 A 192.0.2.1
		cached www.example. A ecs=198.51.100.0/24 cache scope=0 | 300 A 192.0.2.1`,
	"a scope longer than what was told counts as what was told": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=32 | 300 A 192.0.2.1
		told 1 upstream scope=24 | 300 A 192.0.2.1
		cached www.example. A ecs=192.0.2.0/24 cache scope=24 | 300 A 192.0.2.1`,
	"a shorter network than the scope is not covered": `
		ask 1 www.example. A ecs=10.1.2.0/24
		server www.example. A ecs=10.1.2.0/24 scope=24 | 300 A 192.0.2.1
		cached www.example. A ecs=10.1.0.0/16 no`,
	"the narrowest that fits is taken": `
		ask 1 www.example. A ecs=10.1.2.0/24
		server www.example. A ecs=10.1.2.0/24 scope=8 | 300 A 192.0.2.8
		ask 2 www.example. A ecs=10.1.3.0/24
		told 2 cache scope=8 | 300 A 192.0.2.8
		pass 301s
		ask 3 www.example. A ecs=10.1.3.0/24
		server www.example. A ecs=10.1.3.0/24 scope=24 | 300 A 192.0.2.24
		ask 4 www.example. A ecs=10.9.9.0/24
		server www.example. A ecs=10.9.9.0/24 scope=8 | 300 A 192.0.2.9
		cached www.example. A ecs=10.1.3.0/24 cache scope=24 | 300 A 192.0.2.24
		cached www.example. A ecs=10.5.5.0/24 cache scope=8 | 300 A 192.0.2.9`,
	"an answer for another network than was told is not kept": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=24 echo=198.51.100.0/24 | 300 A 203.0.113.9
		cached www.example. A ecs=192.0.2.0/24 no
		cached www.example. A ecs=198.51.100.0/24 no
		cached www.example. A no`,
	"nor one for another length": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=16 echo=192.0.0.0/16 | 300 A 203.0.113.9
		cached www.example. A ecs=192.0.2.0/24 no`,
	"nor one for another family": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=24 echo=2001:db8::/24 | 300 A 203.0.113.9
		cached www.example. A ecs=192.0.2.0/24 no`,
	"an option nobody asked for is as none": `
		ask 1 www.example. A
		server www.example. A scope=24 echo=192.0.2.0/24 | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		cached www.example. A ecs=192.0.2.0/24 no`,
	"asked without a network: not for those who tell one": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A ecs=192.0.2.0/24 no`,
	"a prefix of 0 tells none": `
		ask 1 www.example. A ecs=0.0.0.0/0
		server www.example. A ecs=0.0.0.0/0 scope=0 | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		cached www.example. A ecs=192.0.2.0/24 no`,
	"IPv6 in its own family": `
		ask 1 www.example. AAAA ecs=2001:db8:1200::/56
		server www.example. AAAA ecs=2001:db8:1200::/56 scope=40 | 300 AAAA 2001:db8::1
		cached www.example. AAAA ecs=2001:db8:1234::/56 cache scope=40 | 300 AAAA 2001:db8::1
		cached www.example. AAAA ecs=2001:db8:1300::/56 no
		cached www.example. AAAA ecs=32.1.13.0/24 no`,
	"a fresh answer for a wide network before an old one for the narrowest": `
		ask 1 www.example. AAAA ecs=2001:db8::1/128
		server www.example. AAAA ecs=2001:db8::1/128 scope=128 | 300 AAAA 2001:db8::1
		pass 301s
		ask 2 www.example. AAAA ecs=2001:db9::1/128
		server www.example. AAAA ecs=2001:db9::1/128 scope=16 | 300 AAAA 2001:db8::2
		cached www.example. AAAA ecs=2001:db8::1/128 cache scope=16 | 300 AAAA 2001:db8::2`,
	"NXDOMAIN for a network is for that network, and all types": `
		ask 1 no.example. A ecs=192.0.2.0/24
		server no.example. A ecs=192.0.2.0/24 scope=24 NXDOMAIN | | example. 900 SOA 60
		cached no.example. AAAA ecs=192.0.2.0/24 cache scope=24 NXDOMAIN | | example. 60 SOA 60
		cached no.example. A ecs=198.51.100.0/24 no`,
	"stale by network": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=24 | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 fail=timeout
		told 2 stale ede=3 scope=24 | 30 A 192.0.2.1`,
	"an end of an alias asked for with the same network": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 scope=0 | 300 CNAME host.cdn.test.
		server host.cdn.test. A ecs=192.0.2.0/24 scope=20 | 300 A 192.0.2.1
		told 1 upstream scope=20 | 300 CNAME host.cdn.test. ; host.cdn.test. 300 A 192.0.2.1
		cached www.example. A ecs=192.0.3.0/24 cache scope=20 | 300 CNAME host.cdn.test. ; host.cdn.test. 300 A 192.0.2.1`,
});
