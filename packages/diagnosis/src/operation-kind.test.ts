import assert from "node:assert/strict";
import { test } from "node:test";
import { blockingFrame, operationKind } from "./operation-kind.ts";

const frames = (...functions: readonly string[]) => functions.map((func) => ({ func, file: "", line: 1 }));
const POLL = ["internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait"];
const READ = [...POLL, "internal/poll.(*FD).Read", "net.(*netFD).Read", "net.(*conn).Read"];
const LOCK = [
	"internal/sync.runtime_SemacquireMutex",
	"internal/sync.(*Mutex).lockSlow",
	"sync.(*Mutex).Lock",
];

/** State, functions from the innermost, what it is at, and the function that waits. */
const CASES: readonly (readonly [string, readonly string[], string, string])[] = [
	["chan send", ["main.send"], "channel send", "main.send"],
	["chan receive (nil chan)", ["main.never"], "nil channel", "main.never"],
	["select (no cases)", ["main.block"], "nil channel", "main.block"],
	["chan receive", ["main.take"], "channel receive", "main.take"],
	["select", ["main.loop"], "select", "main.loop"],
	["sync.Mutex.Lock", [...LOCK, "main.get"], "lock", "main.get"],
	["semacquire", ["sync.runtime_Semacquire", "sync.(*Mutex).Lock", "main.get"], "lock", "main.get"],
	[
		"sync.WaitGroup.Wait",
		["sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.all"],
		"wait group",
		"main.all",
	],
	[
		"sync.Cond.Wait",
		["sync.runtime_notifyListWait", "sync.(*Cond).Wait", "main.cond"],
		"condition",
		"main.cond",
	],
	["sleep", ["time.Sleep", "main.retry"], "sleep", "main.retry"],
	["IO wait", [...READ, "bufio.(*Reader).Read", "main.readLines"], "network read", "main.readLines"],
	[
		"IO wait",
		[...POLL, "internal/poll.(*FD).Write", "net.(*conn).Write", "main.reply"],
		"network write",
		"main.reply",
	],
	[
		"IO wait",
		[...POLL, "internal/poll.(*FD).Accept", "net.(*TCPListener).Accept", "main.main"],
		"accept",
		"main.main",
	],
	[
		"IO wait",
		[...READ, "net/http.(*persistConn).Read", "net/http.(*persistConn).readLoop"],
		"http client",
		"net/http.(*persistConn).Read",
	],
	["select", ["net/http.(*persistConn).writeLoop"], "http client", "net/http.(*persistConn).writeLoop"],
	[
		"IO wait",
		[...READ, "net/http.(*connReader).backgroundRead"],
		"http server",
		"net/http.(*connReader).backgroundRead",
	],
	[
		"select",
		["database/sql.(*DB).conn", "database/sql.(*DB).Query", "main.list"],
		"pool",
		"database/sql.(*DB).conn",
	],
	["chan receive", ["database/sql.(*Tx).awaitDone"], "database", "database/sql.(*Tx).awaitDone"],
	[
		"select",
		["google.golang.org/grpc/internal/transport.(*recvBufferReader).read"],
		"grpc",
		"google.golang.org/grpc/internal/transport.(*recvBufferReader).read",
	],
	["running", ["main.compute"], "running", "main.compute"],
	["syscall", ["syscall.Syscall", "os.(*File).Read", "main.load"], "system call", "os.(*File).Read"],
	["", ["main.unknown"], "other", "main.unknown"],
	["", [], "other", ""],
];

for (const [state, functions, kind, blocking] of CASES) {
	test(`${state || "no state"} in ${functions.at(-1) ?? "nothing"} is ${kind}`, () => {
		const stack = frames(...functions);
		assert.equal(operationKind({ frames: stack, state }), kind);
		assert.equal(blockingFrame(stack)?.func ?? "", blocking);
	});
}
