/** Failures are remembered (RFC 9520), one question is one ask, and waiters come and go. */
import { scenarios } from "./testing/scenario-run.ts";

scenarios("failure", {
	"a failure holds five seconds": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		told 1 failed=no-server-answered
		pass 4999ms
		ask 2 www.example. A
		told 2 failed=failed-before
		cached www.example. A failed=failed-before
		quiet
		pass 1ms
		ask 3 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 3 upstream | 300 A 192.0.2.1`,
	"a second one in a row holds ten": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		pass 5s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 9s
		cached www.example. A failed=failed-before
		pass 1s
		cached www.example. A no`,
	"none holds longer than five minutes": `
		ask 0 www.example. A
		server www.example. A fail=timeout
		${Array.from({ length: 9 }, (_, i) => `pass 300s\nask ${i + 1} www.example. A\nserver www.example. A fail=timeout`).join("\n")}
		pass 300s
		cached www.example. A no`,
	"an answer ends the row": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		pass 5s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 10s
		ask 3 www.example. A
		server www.example. A
		told 3 upstream
		ask 4 www.example. A
		server www.example. A fail=timeout
		pass 5s
		cached www.example. A no`,
	"what failed while nobody was answered is asked again when somebody is": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		pass 5s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 10s
		ask 3 www.example. A
		server www.example. A fail=timeout
		pass 4s
		ask 4 other.example. A
		server other.example. A | 300 A 192.0.2.2
		cached www.example. A failed=failed-before
		pass 1s
		cached www.example. A no`,
	"what failed while others were answered has to wait": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		pass 5s
		ask 2 other.example. A
		server other.example. A | 300 A 192.0.2.2
		ask 3 www.example. A
		server www.example. A fail=timeout
		pass 9s
		ask 4 another.example. A
		server another.example. A | 300 A 192.0.2.3
		cached www.example. A failed=failed-before
		pass 1s
		cached www.example. A no`,
	"a question left alone for long begins anew": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		pass 5s
		ask 2 www.example. A
		server www.example. A fail=timeout
		pass 60s
		ask 3 www.example. A
		server www.example. A fail=timeout
		pass 5s
		cached www.example. A no`,
	"a failure of one type is not one of another": `
		ask 1 www.example. A
		server www.example. A fail=timeout
		ask 2 www.example. AAAA
		server www.example. AAAA | 300 AAAA 2001:db8::1
		told 2 upstream | 300 AAAA 2001:db8::1`,
	"a failure with one network holds for all: the servers are the same": `
		ask 1 www.example. A ecs=192.0.2.0/24
		server www.example. A ecs=192.0.2.0/24 fail=timeout
		ask 2 www.example. A ecs=198.51.100.0/24
		told 2 failed=failed-before
		quiet`,
	"every bad rcode is a failure": `
		ask 1 a.example. A
		server a.example. A SERVFAIL
		ask 2 b.example. A
		server b.example. A REFUSED
		ask 3 c.example. A
		server c.example. A NOTIMP
		ask 4 d.example. A
		server d.example. A FORMERR
		told 1 failed=no-server-answered
		told 2 failed=no-server-answered
		told 3 failed=no-server-answered
		told 4 failed=no-server-answered
		cached a.example. A failed=failed-before
		cached d.example. A failed=failed-before`,
	"a referral is a failure, and its name servers are nobody's": `
		ask 1 www.example. A
		server www.example. A | | example. 300 NS ns.example. | ns.example. 300 A 192.0.2.53
		told 1 failed=no-server-answered
		cached ns.example. A no
		cached www.example. A failed=failed-before`,
	"too much under way is no failure of the name": `
		ask 1 www.example. A
		server www.example. A fail=too-many-waiting
		told 1 failed=too-many-waiting
		cached www.example. A no
		ask 2 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1`,
	"servers that are down and were not asked say nothing of the name": `
		ask 1 www.example. A
		server www.example. A fail=nobody
		told 1 failed=no-server-answered
		cached www.example. A no
		ask 2 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1`,
	"an alias is told, and of its end nobody can be asked: no failure of the name": `
		ask 1 www.example. A
		server www.example. A | 300 CNAME cdn.example.
		server cdn.example. A fail=too-many-waiting
		told 1 failed=too-many-waiting
		cached www.example. A no`,
	"servers that never answer are given up after half a minute": `
		ask 1 www.example. A
		pending www.example. A
		pass 29999ms
		waits 1
		pass 1ms
		told 1 failed=no-server-answered
		given-up www.example. A
		cached www.example. A failed=failed-before`,
});

scenarios("flight", {
	"who asks the same waits for the same": `
		ask 1 www.example. A
		ask 2 www.example. A
		ask 3 WWW.EXAMPLE. A
		server www.example. A | 300 A 192.0.2.1
		told 1 upstream | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1
		told 3 upstream | www.example. 300 A 192.0.2.1`,
	"another type, DO, CD or network is another question": `
		ask 1 www.example. A
		ask 2 www.example. AAAA
		ask 3 www.example. A do
		ask 4 www.example. A cd
		ask 5 www.example. A ecs=192.0.2.0/24
		pending www.example. A
		pending www.example. AAAA
		pending www.example. A do
		pending www.example. A cd
		pending www.example. A ecs=192.0.2.0/24`,
	"one that leaves takes nobody along": `
		ask 1 www.example. A
		ask 2 www.example. A
		leave 1
		told 1 failed=aborted
		waits 2
		server www.example. A | 300 A 192.0.2.1
		told 2 upstream | 300 A 192.0.2.1`,
	"when the last one leaves the ask is called off, which is no failure": `
		ask 1 www.example. A
		ask 2 www.example. A
		leave 1
		leave 2
		given-up www.example. A
		cached www.example. A no
		ask 3 www.example. A
		server www.example. A | 300 A 192.0.2.1
		told 3 upstream | 300 A 192.0.2.1`,
	"fetching ahead goes on though nobody waits": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 280s
		ask 2 www.example. A
		told 2 cache | 20 A 192.0.2.1
		leave 2
		server www.example. A | 300 A 192.0.2.2
		cached www.example. A cache | 300 A 192.0.2.2`,
	"one that waits for it and leaves does not end it": `
		ask 1 www.example. A
		server www.example. A | 300 A 192.0.2.1
		cached www.example. A cache | 300 A 192.0.2.1
		pass 295s
		ask 2 www.example. A
		pending www.example. A
		pass 6s
		ask 3 www.example. A
		waits 3
		leave 3
		server www.example. A | 300 A 192.0.2.2
		cached www.example. A cache | 300 A 192.0.2.2`,
	"who has left is told nothing more": `
		ask 1 www.example. A
		ask 2 www.example. A
		leave 1
		server www.example. A | 300 A 192.0.2.1
		told 1 failed=aborted`,
	"all that wait hear of the failure": `
		ask 1 www.example. A
		ask 2 www.example. A
		server www.example. A fail=tls
		told 1 failed=no-server-answered
		told 2 failed=no-server-answered`,
	"an ask of a name whose alias leads back to one under way ends": `
		ask 1 a.example. A
		ask 2 b.example. A
		server a.example. A | 300 CNAME b.example.
		pending b.example. A
		server b.example. A | 300 CNAME a.example.
		server b.example. A | 300 CNAME a.example.
		server a.example. A | 300 CNAME b.example.
		told 1 failed=no-server-answered
		told 2 failed=no-server-answered`,
});
