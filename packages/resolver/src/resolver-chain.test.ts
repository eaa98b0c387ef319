/** Chains of aliases, what belongs to them, and names that never leave this host. */
import { scenarios } from "./testing/scenario-run.ts";

const ALIASES = (count: number) =>
	Array.from({ length: count }, (_, i) => `a${i}.example. 300 CNAME a${i + 1}.example.`).join(" ; ");

scenarios("chain", {
	"aliases and their end are told in order, however they came": `
		ask 1 www.example. A
		server www.example. A | c.example. 300 A 192.0.2.1 ; b.example. 300 CNAME c.example. ; 300 CNAME b.example.
		told 1 upstream | 300 CNAME b.example. ; b.example. 300 CNAME c.example. ; c.example. 300 A 192.0.2.1`,
	"the end of a lone alias is asked for": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME host.cdn.test.
		server host.cdn.test. A | 60 A 192.0.2.1
		told 1 upstream | 300 CNAME host.cdn.test. ; host.cdn.test. 60 A 192.0.2.1
		pass 60s
		cached www.example. A no`,
	"an end that is in the cache is not asked for": `
		ask 1 host.cdn.test. A
		server host.cdn.test. A | 300 A 192.0.2.1
		pass 100s
		ask 2 www.example. A
		server www.example. A | 300 CNAME host.cdn.test.
		told 2 upstream | 300 CNAME host.cdn.test. ; host.cdn.test. 200 A 192.0.2.1`,
	"an end whose time is over is asked for": `
		ask 1 host.cdn.test. A
		server host.cdn.test. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		server www.example. A | 300 CNAME host.cdn.test.
		server host.cdn.test. A | 300 A 192.0.2.2
		told 2 upstream | 300 CNAME host.cdn.test. ; host.cdn.test. 300 A 192.0.2.2`,
	"two lone aliases one after the other": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME b.example.
		server b.example. A | 300 CNAME c.example.
		server c.example. A | 300 A 192.0.2.1
		told 1 upstream | 300 CNAME b.example. ; b.example. 300 CNAME c.example. ; c.example. 300 A 192.0.2.1`,
	"the end of an alias does not exist": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME gone.test.
		server gone.test. A NXDOMAIN | | test. 900 SOA 60
		told 1 upstream NXDOMAIN | 300 CNAME gone.test. | test. 60 SOA 60`,
	"an alias to a name that no server is asked about": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME hidden.onion.
		told 1 upstream NXDOMAIN | 300 CNAME hidden.onion. | onion. 300 SOA 10800
		quiet
		ask 2 here.example. A
		server here.example. A | 300 CNAME db.localhost.
		told 2 upstream | 300 CNAME db.localhost. ; db.localhost. 10800 A 127.0.0.1
		quiet`,
	"the end of an alias cannot be had: a failure": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME far.test.
		server far.test. A SERVFAIL
		told 1 failed=no-server-answered`,
	"a question for the alias itself ends there": `
		ask 1 www.example. CNAME
		server www.example. CNAME | 300 CNAME host.example.
		told 1 upstream | 300 CNAME host.example.`,
	"ANY takes all of the name and follows nothing": `
		ask 1 www.example. ANY
		server www.example. ANY | 300 CNAME host.example. ; 300 TXT hello ; host.example. 300 A 192.0.2.1
		told 1 upstream | 300 CNAME host.example. ; 300 TXT hello`,
	"an alias to itself is refused": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME www.example.
		told 1 failed=no-server-answered`,
	"a loop within one answer is refused": `
		ask 1 a.example. A
		server a.example. A | 300 CNAME b.example. ; b.example. 300 CNAME a.example.
		told 1 failed=no-server-answered`,
	"a loop in other letters is a loop": `
		ask 1 a.example. A
		server a.example. A | 300 CNAME B.example. ; b.EXAMPLE. 300 CNAME A.example.
		told 1 failed=no-server-answered`,
	"a loop over several answers is refused": `
		ask 1 a.example. A
		server a.example. A | 300 CNAME b.example.
		server b.example. A | 300 CNAME a.example.
		told 1 failed=no-server-answered`,
	"13 aliases are followed": `
		ask 1 a0.example. A
		server a0.example. A | ${ALIASES(13)} ; a13.example. 300 A 192.0.2.1
		told 1 upstream | ${ALIASES(13)} ; a13.example. 300 A 192.0.2.1`,
	"14 are not": `
		ask 1 a0.example. A
		server a0.example. A | ${ALIASES(14)} ; a14.example. 300 A 192.0.2.1
		told 1 failed=no-server-answered`,
	"an alias to yet another one without end: the incident": `
		ask 1 a0.example. A
		${Array.from({ length: 14 }, (_, i) => `server a${i}.example. A | 300 CNAME a${i + 1}.example.`).join("\n")}
		told 1 failed=no-server-answered
		ask 2 a0.example. A
		told 2 failed=failed-before
		quiet`,
	"a refused chain does not take the place of an old answer": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 301s
		ask 2 www.example. A
		server www.example. A | 300 CNAME www.example.
		told 2 stale ede=3 | 30 A 192.0.2.1`,
	"of two aliases of one name the first counts": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME a.example. ; 300 CNAME b.example. ; a.example. 300 A 192.0.2.1 ; b.example. 300 A 192.0.2.2
		told 1 upstream | 300 CNAME a.example. ; a.example. 300 A 192.0.2.1`,
	"a renaming of a zone is kept with the alias made of it": `
		ask 1 www.old.example. A
		server www.old.example. A | old.example. 300 DNAME new.example. ; 300 CNAME www.new.example. ; www.new.example. 300 A 192.0.2.1
		told 1 upstream | old.example. 300 DNAME new.example. ; 300 CNAME www.new.example. ; www.new.example. 300 A 192.0.2.1`,
	"a renaming that does not make the alias": `
		ask 1 www.old.example. A
		server www.old.example. A | example. 300 DNAME bank.test. ; old.example. 300 DNAME other.example. ; . 300 DNAME test. ; 300 CNAME www.new.example. ; www.new.example. 300 A 192.0.2.1
		told 1 upstream | 300 CNAME www.new.example. ; www.new.example. 300 A 192.0.2.1`,
	"a renaming to the root": `
		ask 1 a.b.old.example. A
		server a.b.old.example. A | OLD.example. 300 DNAME . ; 300 CNAME A.b. ; a.b. 300 A 192.0.2.1
		told 1 upstream | old.example. 300 DNAME . ; 300 CNAME A.b. ; a.b. 300 A 192.0.2.1`,
	"a renaming of another zone is dropped": `
		ask 1 www.example. A
		server www.example. A | other.test. 300 DNAME new.test. ; 300 CNAME host.example. ; host.example. 300 A 192.0.2.1
		told 1 upstream | 300 CNAME host.example. ; host.example. 300 A 192.0.2.1`,
});

scenarios("bailiwick", {
	"records of names nobody asked for are dropped, and not kept": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1 ; bank.test. 86400 A 203.0.113.9
		told 1 upstream | 300 A 192.0.2.1
		cached bank.test. A no`,
	"of types nobody asked for too": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1 ; 300 AAAA 2001:db8::9
		told 1 upstream | 300 A 192.0.2.1
		cached www.example. AAAA no`,
	"name servers and their addresses are dropped": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1 | example. 300 NS ns.evil.test. | ns.evil.test. 300 A 203.0.113.9
		told 1 upstream | 300 A 192.0.2.1
		cached example. NS no
		cached ns.evil.test. A no`,
	"only records of other names: an answer without data": `
		ask 1 www.example. A
		server www.example. A | bank.test. 86400 A 203.0.113.9
		told 1 upstream
		cached bank.test. A no
		cached www.example. A no`,
	"what follows the end of the chain is dropped": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME b.example. ; b.example. 300 A 192.0.2.1 ; c.example. 300 A 192.0.2.2
		told 1 upstream | 300 CNAME b.example. ; b.example. 300 A 192.0.2.1
		cached b.example. A no
		cached c.example. A no`,
	"an answer to a name is not taken for an answer to its alias": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME victim.test. ; victim.test. 300 A 203.0.113.9
		told 1 upstream | 300 CNAME victim.test. ; victim.test. 300 A 203.0.113.9
		cached victim.test. A no`,
});

scenarios("never asked", {
	"localhost is this host": `
		ask 1 localhost. A
		told 1 cache | 10800 A 127.0.0.1
		cached localhost. AAAA cache | 10800 AAAA ::1
		cached app.LocalHost. A cache | app.localhost. 10800 A 127.0.0.1
		quiet`,
	"it has no other records": `
		cached localhost. MX cache | | 10800 SOA 10800
		quiet`,
	"a name that only ends in the same letters is another": `
		ask 1 notlocalhost. A
		server notlocalhost. A NXDOMAIN | | . 900 SOA 60
		ask 2 localhost.example. A
		server localhost.example. A | 300 A 192.0.2.1`,
	"nothing below invalid or onion exists": `
		cached a.invalid. A cache NXDOMAIN | | invalid. 10800 SOA 10800
		cached abc.onion. AAAA cache NXDOMAIN | | onion. 10800 SOA 10800
		quiet`,
	"the names of loopback addresses": `
		cached 1.0.0.127.in-addr.arpa. PTR cache | 10800 PTR localhost.
		cached 1.${"0.".repeat(31)}ip6.arpa. PTR cache | 10800 PTR localhost.
		quiet`,
	"the names of other addresses are asked for": `
		ask 1 1.2.0.192.in-addr.arpa. PTR
		server 1.2.0.192.in-addr.arpa. PTR | 300 PTR www.example.
		told 1 upstream | 300 PTR www.example.`,
});
