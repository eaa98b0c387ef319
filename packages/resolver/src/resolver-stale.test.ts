/** Answers whose time is over (RFC 8767), with the client timer and at once. */
import { scenarios } from "./testing/scenario-run.ts";

scenarios("stale after the client timer", {
	"a server that answers in time is told, not the old answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		pass 300s
		ask 2 www.example. A
		server www.example. A | 300 A 192.0.2.2
		told 2 upstream | 300 A 192.0.2.2`,
	"just before the timer nobody is told, at the timer the old answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 1799ms
		waits 2
		pass 1ms
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"the ask goes on behind the old answer and fills the cache": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 1800ms
		told 2 stale ede=3 | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.9
		pass 10s
		ask 3 www.example. A
		told 3 cache | 290 A 192.0.2.9`,
	"while a slow ask is under way others do not pay the timer again": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 1800ms
		told 2 stale ede=3 | 30 A 192.0.2.1
		ask 3 www.example. A
		told 3 stale ede=3 | 30 A 192.0.2.1
		cached www.example. A stale ede=3 | 30 A 192.0.2.1`,
	"whose servers failed lately pays the timer no more: the old answer at once, a new try behind": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 A 192.0.2.1
		pass 31s
		ask 3 www.example. A
		told 3 stale ede=3 | 30 A 192.0.2.1
		pending www.example. A
		server www.example. A | 300 A 192.0.2.7
		ask 4 www.example. A
		told 4 cache | 300 A 192.0.2.7`,
	"whose servers failed long ago is asked for and waited for again": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 A 192.0.2.1
		pass 61s
		ask 3 www.example. A
		waits 3
		server www.example. A | 300 A 192.0.2.7
		told 3 upstream | 300 A 192.0.2.7`,
	"one that joins just before the timer of another has its own timer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 1500ms
		ask 3 www.example. A
		pass 300ms
		told 2 stale ede=3 | 30 A 192.0.2.1
		waits 3
		pass 1500ms
		told 3 stale ede=3 | 30 A 192.0.2.1`,
	"a failure is not waited out: the old answer at once": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"SERVFAIL is a failure": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A SERVFAIL
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"REFUSED is a failure": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A REFUSED
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"a referral is a failure": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A | | example. 300 NS ns.example. | ns.example. 300 A 192.0.2.53
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"NXDOMAIN is an answer: the name is gone": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A NXDOMAIN | | example. 900 SOA 60
		told 2 upstream NXDOMAIN | | example. 60 SOA 60
		ask 3 www.example. A
		told 3 cache NXDOMAIN | | example. 60 SOA 60`,
	"no data is an answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A | | example. 900 SOA 60
		told 2 upstream | | example. 60 SOA 60`,
	"after a failure nobody is asked for 30 s": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 29999ms
		ask 3 www.example. A
		told 3 stale ede=3 | 30 A 192.0.2.1
		quiet
		pass 1ms
		ask 4 www.example. A
		told 4 stale ede=3 | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.4
		ask 5 www.example. A
		told 5 cache | 300 A 192.0.2.4`,
	"a failure after the timer also holds for 30 s": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 1800ms
		told 2 stale ede=3 | 30 A 192.0.2.1
		pass 2200ms
		server www.example. A fail=timeout
		pass 29s
		cached www.example. A stale ede=3 | 30 A 192.0.2.1
		quiet
		pass 1s
		cached www.example. A stale ede=3 | 30 A 192.0.2.1
		pending www.example. A`,
	"in the last moment of its staleness it serves": `
		set staleMaxS=600
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 899s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"past its staleness it serves no more": `
		set staleMaxS=600
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 900s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 failed=no-server-answered`,
	"with no staleness allowed a failure is a failure": `
		set staleMaxS=0
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		pending www.example. A
		pass 1800ms
		waits 2
		server www.example. A fail=timeout
		told 2 failed=no-server-answered`,
	"serving does not make it younger": `
		set staleMaxS=600
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 890s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 A 192.0.2.1
		pass 31s
		ask 3 www.example. A
		server www.example. A fail=timeout
		told 3 failed=no-server-answered`,
	"an NXDOMAIN of old is stale by its own code": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		pass 61s
		ask 2 no.example. A
		server no.example. A fail=timeout
		told 2 stale NXDOMAIN ede=19 | | example. 30 SOA 60`,
	"no data of old is stale too": `
		ask 1 no.example. AAAA
		server no.example. AAAA | | example. 900 SOA 60
		pass 61s
		ask 2 no.example. AAAA
		server no.example. AAAA fail=timeout
		told 2 stale ede=3 | | example. 30 SOA 60`,
	"a chain is stale as one": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME host.example. ; host.example. 60 A 192.0.2.1
		pass 61s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 30 CNAME host.example. ; host.example. 30 A 192.0.2.1`,
	"the TTL of stale answers is a rule": `
		set staleAnswerS=7
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		server www.example. A fail=timeout
		told 2 stale ede=3 | 7 A 192.0.2.1`,
	"the timer is an option": `
		set timer=500
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. A
		pending www.example. A
		pass 499ms
		waits 2
		pass 1ms
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"without an old answer the timer does nothing": `
		ask 1 www.example. A
		pending www.example. A
		pass 1800ms
		waits 1
		server www.example. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1`,
	"old answers of another type do not serve": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 400s
		ask 2 www.example. AAAA
		server www.example. AAAA fail=timeout
		told 2 failed=no-server-answered`,
	"the alias is old but the server knows a new end": `
		ask 1 www.example. A
		server www.example. A | 60 CNAME host.example. ; host.example. 300 A 192.0.2.1
		pass 61s
		ask 2 www.example. A
		server www.example. A | 60 CNAME other.example. ; other.example. 300 A 192.0.2.2
		told 2 upstream | 60 CNAME other.example. ; other.example. 300 A 192.0.2.2`,
	"cached says nothing when a server would have to be asked first": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		cached www.example. A no
		quiet`,
	"the last waiter leaving calls the ask off, though there is an old answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		pending www.example. A
		leave 2
		told 2 failed=aborted
		given-up www.example. A`,
});

scenarios("stale at once", {
	"the old answer without any wait, and the new one for the next": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		told 2 stale ede=3 | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.2
		ask 3 www.example. A
		told 3 cache | 300 A 192.0.2.2`,
	"cached serves it too, and asks behind": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		cached www.example. A stale ede=3 | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.2
		cached www.example. A cache | 300 A 192.0.2.2`,
	"one refresh for however many ask": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		ask 3 www.example. A
		pending www.example. A
		quiet
		told 2 stale ede=3 | 30 A 192.0.2.1
		told 3 stale ede=3 | 30 A 192.0.2.1`,
	"a refresh that failed is not tried again for 30 s": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 29s
		ask 3 www.example. A
		told 3 stale ede=3 | 30 A 192.0.2.1
		quiet
		pass 1s
		ask 4 www.example. A
		told 4 stale ede=3 | 30 A 192.0.2.1
		pending www.example. A`,
	"a refresh that finds the name gone ends the old answer": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		told 2 stale ede=3 | 30 A 192.0.2.1
		server www.example. A NXDOMAIN | | example. 900 SOA 60
		ask 3 www.example. A
		told 3 cache NXDOMAIN | | example. 60 SOA 60`,
	"who leaves does not call the refresh off": `
		set mode=immediate
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		leave 2
		told 2 stale ede=3 | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.2
		cached www.example. A cache | 300 A 192.0.2.2`,
	"past its staleness everybody waits again": `
		set mode=immediate staleMaxS=60
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 361s
		ask 2 www.example. A
		waits 2
		server www.example. A | 300 A 192.0.2.2
		told 2 upstream | 300 A 192.0.2.2`,
});
