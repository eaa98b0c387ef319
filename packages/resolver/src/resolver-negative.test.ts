/** Names and types that do not exist (RFC 2308), and how long anything lives. */
import { scenarios } from "./testing/scenario-run.ts";

scenarios("negative", {
	"NXDOMAIN lives as the SOA's minimum says": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		pass 59s
		ask 2 no.example. A
		told 2 cache NXDOMAIN | | example. 1 SOA 60
		pass 1s
		cached no.example. A no`,
	"NXDOMAIN lives as the SOA's TTL says if that is less": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 40 SOA 900
		told 1 upstream NXDOMAIN | | example. 40 SOA 900
		pass 40s
		cached no.example. A no`,
	"NXDOMAIN of one type answers all": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		ask 2 no.example. AAAA
		told 2 cache NXDOMAIN | | example. 60 SOA 60
		cached no.example. MX cache NXDOMAIN | | example. 60 SOA 60`,
	"NXDOMAIN says nothing of names below or above": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		cached www.no.example. A no
		cached example. A no`,
	"NXDOMAIN of one class says nothing of another": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60
		cached no.example. A CH no`,
	"no data is for its type alone": `
		ask 1 www.example. AAAA
		server www.example. AAAA | | example. 900 SOA 60
		told 1 upstream | | example. 60 SOA 60
		cached www.example. AAAA cache | | example. 60 SOA 60
		cached www.example. A no`,
	"NXDOMAIN without a SOA is told and not kept": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN
		told 1 upstream NXDOMAIN
		cached no.example. A no`,
	"no data without a SOA is told and not kept": `
		ask 1 no.example. A
		server no.example. A
		told 1 upstream
		cached no.example. A no`,
	"the SOA of another zone does not vouch": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | other.test. 900 SOA 60
		told 1 upstream NXDOMAIN
		cached no.example. A no`,
	"the SOA of a zone below the name does not vouch": `
		ask 1 example. A
		server example. A NXDOMAIN | | sub.example. 900 SOA 60
		told 1 upstream NXDOMAIN
		cached example. A no`,
	"the root's SOA vouches for all": `
		ask 1 no.nowhere. A
		server no.nowhere. A NXDOMAIN | | . 900 SOA 60
		cached no.nowhere. A cache NXDOMAIN | | . 60 SOA 60`,
	"a minimum of 0 lives five seconds, lest it be asked without end": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 0
		told 1 upstream NXDOMAIN | | example. 5 SOA 0
		pass 4s
		cached no.example. A cache NXDOMAIN | | example. 1 SOA 0
		pass 1s
		cached no.example. A no`,
	"a minimum of a day lives an hour": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 86400 SOA 86400
		pass 3599s
		cached no.example. A cache NXDOMAIN | | example. 1 SOA 86400
		pass 1s
		cached no.example. A no`,
	"other records of the authority are not told": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60 ; example. 900 NS ns.example. | ns.example. 900 A 192.0.2.9
		told 1 upstream NXDOMAIN | | example. 60 SOA 60
		cached ns.example. A no
		cached example. NS no`,
	"with DO the proofs come along": `
		ask 1 no.example. A do
		server no.example. A do NXDOMAIN | | example. 900 SOA 60 ; a.example. 900 NSEC x ; a.example. 900 RRSIG NSEC example.
		told 1 upstream NXDOMAIN | | example. 60 SOA 60 ; a.example. 60 NSEC x ; a.example. 60 RRSIG NSEC example.`,
	"without DO they do not": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 60 ; a.example. 900 NSEC x ; a.example. 900 RRSIG NSEC example.
		told 1 upstream NXDOMAIN | | example. 60 SOA 60`,
	"proofs of another zone are dropped": `
		ask 1 no.example. A do
		server no.example. A do NXDOMAIN | | example. 900 SOA 60 ; a.other.test. 900 NSEC x
		told 1 upstream NXDOMAIN | | example. 60 SOA 60`,
	"a name that came to be ends its NXDOMAIN for all types": `
		ask 1 new.example. A
		server new.example. A NXDOMAIN | | example. 900 SOA 60
		pass 60s
		ask 2 new.example. A
		server new.example. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1
		cached new.example. AAAA no`,
	"a name that went ends what was known of its other types": `
		ask 1 old.example. A
		server old.example. A | 300 A 192.0.2.1
		ask 2 old.example. AAAA
		server old.example. AAAA NXDOMAIN | | example. 900 SOA 60
		told 2 upstream NXDOMAIN | | example. 60 SOA 60
		cached old.example. A cache NXDOMAIN | | example. 60 SOA 60`,
	"an alias to a name that is not there: NXDOMAIN for its type only": `
		ask 1 www.example. A
		server www.example. A NXDOMAIN | 300 CNAME gone.example. | example. 900 SOA 60
		told 1 upstream NXDOMAIN | 300 CNAME gone.example. | example. 60 SOA 60
		cached www.example. A cache NXDOMAIN | 300 CNAME gone.example. | example. 60 SOA 60
		cached www.example. CNAME no`,
	"an alias to a name without such records": `
		ask 1 www.example. AAAA
		server www.example. AAAA | 300 CNAME host.example. | example. 900 SOA 60
		told 1 upstream | 300 CNAME host.example. | example. 60 SOA 60
		pass 60s
		cached www.example. AAAA no`,
	"a short alias shortens the life of what is not at its end": `
		set negativeMaxS=3600
		ask 1 www.example. AAAA
		server www.example. AAAA | 40 CNAME host.example. | example. 900 SOA 900
		pass 39s
		cached www.example. AAAA cache | 1 CNAME host.example. | example. 1 SOA 900
		pass 1s
		cached www.example. AAAA no`,
	"records with NXDOMAIN contradict themselves: a failure": `
		ask 1 www.example. A
		server www.example. A NXDOMAIN | 300 A 192.0.2.1
		told 1 failed=no-server-answered`,
	"negative answers are refreshed in their last tenth too": `
		ask 1 no.example. A
		server no.example. A NXDOMAIN | | example. 900 SOA 100
		ask 2 no.example. A
		told 2 cache NXDOMAIN | | example. 100 SOA 100
		pass 95s
		ask 3 no.example. A
		told 3 cache NXDOMAIN | | example. 5 SOA 100
		server no.example. A | 300 A 192.0.2.1
		cached no.example. A cache | 300 A 192.0.2.1`,
});

scenarios("life", {
	"a TTL counts down by whole seconds": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 999ms
		cached www.example. A cache | 299 A 192.0.2.1
		pass 1ms
		cached www.example. A cache | 299 A 192.0.2.1
		pass 100s
		cached www.example. A cache | 199 A 192.0.2.1`,
	"in its last second it is 1, never 0": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 299999ms
		cached www.example. A cache | 1 A 192.0.2.1
		pass 1ms
		cached www.example. A no`,
	"under 30 s is 30 s": `
		ask 1 www.example. A
		server www.example. A | 1 A 192.0.2.1
		told 1 upstream | 30 A 192.0.2.1
		pass 29s
		cached www.example. A cache | 1 A 192.0.2.1`,
	"0 is 30 s too": `
		ask 1 www.example. A
		server www.example. A | 0 A 192.0.2.1
		told 1 upstream | 30 A 192.0.2.1`,
	"over a day is a day": `
		ask 1 www.example. A
		server www.example. A | 604800 A 192.0.2.1
		told 1 upstream | 86400 A 192.0.2.1
		pass 86400s
		cached www.example. A no`,
	"without a floor short TTLs stay short": `
		set minS=0
		ask 1 www.example. A
		server www.example. A | 2 A 192.0.2.1
		told 1 upstream | 2 A 192.0.2.1
		pass 2s
		cached www.example. A no`,
	"of several records the shortest decides": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1 ; 60 A 192.0.2.2
		pass 59s
		cached www.example. A cache | 241 A 192.0.2.1 ; 1 A 192.0.2.2
		pass 1s
		cached www.example. A no`,
	"each record of a chain counts down by its own": `
		ask 1 www.example. A
		server www.example. A | 600 CNAME host.example. ; host.example. 100 A 192.0.2.1
		pass 50s
		cached www.example. A cache | 550 CNAME host.example. ; host.example. 50 A 192.0.2.1
		pass 50s
		cached www.example. A no`,
	"an alias that ends first ends the answer": `
		ask 1 www.example. A
		server www.example. A | 60 CNAME host.example. ; host.example. 3600 A 192.0.2.1
		pass 60s
		cached www.example. A no`,
	"a hot name is fetched again in its last tenth": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 270s
		ask 2 www.example. A
		told 2 cache | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.2
		cached www.example. A cache | 300 A 192.0.2.2`,
	"before its last tenth it is not": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 269s
		ask 2 www.example. A
		told 2 cache | 31 A 192.0.2.1
		quiet`,
	"its last tenth begins within a second": `
		ask 1 www.example. A
		server www.example. A | 305 A 192.0.2.1
		cached www.example. A cache | 305 A 192.0.2.1
		pass 274.2s
		cached www.example. A cache | 30 A 192.0.2.1
		quiet
		pass 400ms
		cached www.example. A cache | 30 A 192.0.2.1
		server www.example. A | 300 A 192.0.2.2`,
	"a name that is asked for once is not": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		pass 290s
		ask 2 www.example. A
		told 2 cache | 10 A 192.0.2.1
		quiet`,
	"fetching ahead that fails does no harm, and is not tried again for 30 s": `
		set minS=30
		ask 1 www.example. A
		server www.example. A | 600 A 192.0.2.1
		cached www.example. A cache | 600 A 192.0.2.1
		pass 550s
		ask 2 www.example. A
		told 2 cache | 50 A 192.0.2.1
		server www.example. A fail=timeout
		pass 20s
		ask 3 www.example. A
		told 3 cache | 30 A 192.0.2.1
		quiet
		pass 10s
		ask 4 www.example. A
		told 4 cache | 20 A 192.0.2.1
		server www.example. A | 600 A 192.0.2.2
		cached www.example. A cache | 600 A 192.0.2.2`,
	"fetching ahead can be off": `
		set prefetchShare=0
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 299s
		cached www.example. A cache | 1 A 192.0.2.1
		quiet`,
	"names are the same in any case": `
		ask 1 WWW.Example. A
		server www.example. A | wWw.eXample. 300 A 192.0.2.1
		told 1 upstream | www.example. 300 A 192.0.2.1
		cached www.EXAMPLE. A cache | www.example. 300 A 192.0.2.1`,
	"DO and CD have answers of their own": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A do no
		cached www.example. A cd no
		ask 2 www.example. A do
		server www.example. A do ad | 300 A 192.0.2.1 ; 300 RRSIG A example.
		told 2 upstream ad | 300 A 192.0.2.1 ; 300 RRSIG A example.
		ask 3 www.example. A cd
		server www.example. A cd | 300 A 192.0.2.6
		cached www.example. A cd cache | 300 A 192.0.2.6
		cached www.example. A cache | 300 A 192.0.2.1
		cached www.example. A do cache ad | 300 A 192.0.2.1 ; 300 RRSIG A example.`,
	"without DO no signatures are told": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1 ; 300 RRSIG A example.
		told 1 upstream | 300 A 192.0.2.1`,
	"a signature over another type is not told": `
		ask 1 www.example. A do
		server www.example. A do | 300 A 192.0.2.1 ; 300 RRSIG AAAA example.
		told 1 upstream | 300 A 192.0.2.1`,
	"with DO the proof of a wildcard comes along, if its signer signed the answer": `
		ask 1 www.example. A do
		server www.example. A do | 300 A 192.0.2.1 ; 300 RRSIG A example. | v.example. 300 NSEC x ; v.other.test. 300 NSEC x
		told 1 upstream | 300 A 192.0.2.1 ; 300 RRSIG A example. | v.example. 300 NSEC x`,
});
