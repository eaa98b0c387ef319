/** Texts that readers of HTTP/1 have been known, or may be feared, to disagree on. */

export const CODINGS = [
	...["chunked", "Chunked", "CHUNKED", " chunked", "\tchunked", "chunked ", "chunked\t"],
	...["\vchunked", "\fchunked", "chunked\v", "chunked\x00", "\x00chunked", "xchunked"],
	...["chunkedx", "chunke", "chunked1", "chunked;", "chunked;q=1", "chunked; a=b", "chunked,"],
	...[",chunked", ", chunked", "chunked, ", "chunked,chunked", "chunked, chunked", "identity"],
	...["chunked, identity", "identity, chunked", "gzip, chunked", "chunked, gzip", "gzip"],
	...["deflate,chunked", "x-custom, chunked", "cow", "cow, chunked", '"chunked"', "'chunked'"],
	...["chu\tnked", "chu nked", "chunked chunked", "", "\xa0chunked", "chunked\xa0"],
	...["ch\xffunked", "chun%6bed", "\xefhunked", "trailers, chunked", "null"],
];

/** `#` is the length that is right. */
export const LENGTHS = [
	...["#", "+#", "-#", " #", "# ", "\t#", "#\t", "\v#", "#\v", "\x00#", "#\x00", "0#"],
	...["00000000000000000000#", "0x#", "#,#", "#, #", "#,", ",#", "# #", "#;", "#.0", "#e0"],
	...["1e1", "#,0", "0,#", "0, #", "#\r", "'#'", '"#"', "#_0", "1_0", "", "0", "00", "-0", "+0"],
	...["-1", "1", "4", "10", "0a", "a", "ff", "nan", "inf", "4294967296", "4294967300"],
	...["9223372036854775807", "9223372036854775808", "18446744073709551615"],
	...["18446744073709551616", "18446744073709551620", "99999999999999999999999", "\xb2", "#\xa0"],
	...["\xa0#", "#%20", "chunked", "#kb"],
];

/** `N` is the name. */
export const SPELLINGS = [
	...["N: V", "N:V", "N:\tV", "N:  V", "N : V", "N\t: V", " N: V", "\tN: V", "N:\r\n V"],
	...["N:\r\n\tV", "N\r\n : V", "N:\n V", "N:V ", "n: V", "_: V", "N\x00: V", "\x00N: V"],
	...["N\v: V", "N\xa0: V", "XN: V", "X: x\nN: V", "X: x\rN: V", "X: x\r\rN: V"],
	...["X: x\r\n\rN: V", "N;: V", '"N": V', "N=V", "N V", "N:: V", ":N: V", "N,: V", "N: V\r\n x"],
	...["N: V\r\n\tx", "N: x\r\n V", "N: V\rx", "N: V\x00x", "N: V\nX: x", "[N]: V", "N\\: V"],
	"(N): V",
];

export const LINE_ENDS = [
	...["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\n\r\n", "\r\n\r", "\r\n\n", "\r\n ", "\r\n\t"],
	...["\n ", "\r ", "\v\r\n", "\f\r\n", " \r\n", "\t\r\n", "\x00\r\n", "\r\x00\n", "\x85"],
	...["\x1c\r\n", "\xe2\x80\xa8", "\\r\\n", "", "\r\n\x00", "\r\t\n", "\r \n"],
];

export const TARGETS = [
	...["/first-{id}", "//first-{id}", "/first-{id}?a=b", "/first-{id}#a", "/first-{id}%00"],
	...["/first-{id}%0d%0a", "first-{id}", "http://garden.example/first-{id}"],
	...["http://other.example/first-{id}", "HTTP://garden.example/first-{id}"],
	...["http://garden.example:80/first-{id}", "http://a@garden.example/first-{id}"],
	...["https://garden.example/first-{id}", "http:///first-{id}", "http:/first-{id}"],
	...["http://garden.example?/first-{id}", "http://garden.example#/first-{id}"],
	...["http://garden.example@other.example/first-{id}", "ws://garden.example/first-{id}"],
	...["//other.example/first-{id}", "*", "?first-{id}", "/", "/../first-{id}"],
	...["/%2e%2e/first-{id}", "/a/..;/first-{id}", "/\\first-{id}", "/%2ffirst-{id}"],
	...["/first-{id} HTTP/1.1 x", "/first-{id} x", "/first-{id}\tx", "/first-{id}\x00"],
	...["/first-{id}\xe9", "/first-{id}%", "/first-{id}%zz", "garden.example:80"],
	...["/first-{id}%20HTTP/1.1%0d%0aX:%20x", "/first-{id}|", '/first-{id}"<>', "/first-{id}[]"],
	"\\first-{id}",
];

export const METHODS = [
	...["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "PRI"],
	...["get", "Post", "G", "X-A", "GET ", "GET\t", "\tGET", " GET", "\r\nGET", "\r\n\r\nGET"],
	...["\nGET", "\x00GET", "GE\x00T", "G(T", "GET:", "\xc7ET", "PURGE"],
];

export const VERSION_TEXTS = [
	...["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/2", "HTTP/1"],
	...["HTTP/1.", "HTTP/1.10", "HTTP/01.1", "HTTP/1.01", "HTTP/1,1", "HTTP/1.1 ", " HTTP/1.1"],
	...["HTTP/1.1\t", "http/1.1", "Http/1.1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/+1.1", "HTTP/-1.1"],
	...["HTTP/1.-1", "HTTPS/1.1", "HTCPCP/1.0", "ICY/1.1", "HTTP/1.1x", "HTTP/1.1\x00"],
	...["HTTP\\1.1", "RTSP/1.0", ""],
];

/** `S` is the size that is right, in hexadecimal. */
export const CHUNK_SIZES = [
	...["S", "0S", "00000000S", "0000000000000000S", "00000000000000000000000000S", "0xS", "0XS"],
	...["xS", "+S", "-S", " S", "S ", "\tS", "S\t", "\vS", "S\v", "S\x00", "\x00S", "S,", ",S"],
	...["S S", "S.0", "Sg", "Sh", "'S'", '"S"', "_S", "S_", "1_0", "$S", "#S", "", "-1", "g"],
	...["10000000S", "1000000000000000S", "10000000000000000S", "ffffffff", "ffffffffffffffff"],
	...["7fffffffffffffff", "fffffffffffffffe", "80000000", "100000000", "\xa0S", "S\xa0", "\r\nS"],
	...["\nS", "\rS", "S\r", "\\x0S", "S;", "S=", "S:"],
];

export const EXTENSIONS = [
	...["", ";", ";a", ";a=b", ';a="b"', "; a = b", " ;a", "\t;a", ";a;b", ";;", ";a=", ";=b"],
	...[';a="b', ';a="b\\"c"', ";a=b\x00", "\x00;a", ";a=b\n", ";\n", ";\r", ";a\rb", ";a\nb"],
	...[";a=\xff", ";\x7f", " a", "\ta", ",a", ";a\r\r", ";a\t", ";\v", ";a=b ", ';"a"=b'],
	";a\x85b",
];

export const TRAILERS = [
	...["", "X-A: 1\r\n", "X-A: 1\n", "X-A: 1\r", "X-A : 1\r\n", " X-A: 1\r\n", "X-A: 1\r\n 2\r\n"],
	...["X-A\r\n", ":\r\n", "X-A: 1\x00\r\n", "Content-Length: 5\r\n"],
	...["Transfer-Encoding: chunked\r\n", "Host: other.example\r\n", "Connection: close\r\n"],
	...["Trailer: x\r\n", "X-A: 1\r\nContent-Length: 100\r\n", "X_A: 1\r\n"],
	...["Content_Length: 5\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "0\r\n"],
	...["0\r\n\r\n", "\n", "\r", "\r\r\n", " \r\n", "\t\r\n", "\x00\r\n"],
	...["GET /smuggled-{id} HTTP/1.1\r\n", "X: \xff\r\n", "\xff: x\r\n"],
	...[`X-A: ${"a".repeat(9000)}\r\n`, "X-A: 1\r\n".repeat(40), "Authorization: x\r\n"],
	...["X-Forwarded-For: 1\r\n", "Te: x\r\n", "A: b\v\r\n"],
];

/** Of Connection: what it may take out. */
export const OPTIONS = [
	...["close", "keep-alive", "upgrade", "content-length", "transfer-encoding", "host", "te"],
	...["expect", "connection", "cookie", "x-forwarded-for", "via", "traceparent", "trailer"],
	...["keep-alive, content-length", "close, transfer-encoding", "Content-Length"],
	...["content-length, transfer-encoding, host", "close, close", "close,", ",close", ",,", ""],
	...["close keep-alive", "close;q=1", '"close"', "content_length", "close\x00", "\x00"],
	...["close\r\n content-length", "host,", "x-a, x-b, x-c", "HTTP2-Settings, upgrade"],
	"TE, trailers",
];

export const EXPECTATIONS = [
	...["100-continue", "100-Continue", "100-continue ", " 100-continue", "\t100-continue"],
	...["100-continue,", "100-continue, 100-continue", "100-continue;a", "100-continuex"],
	...["x100-continue", "100", "200-ok", "", "\x00100-continue", "100-continue\x00"],
	...["100 continue", "y", "100-continue\r\n x", "gzip", "100-continue\v", '"100-continue"'],
	...["100-continue=1", "101-continue"],
];

export const UPGRADES = [
	...["websocket", "WebSocket", "h2c", "H2C", "h2c, websocket", "websocket, h2c", "TLS/1.0"],
	...["HTTP/2.0", "h2", "", ",", "x", "websocket/13", "http/1.1", "websocket\x00", "web socket"],
	...[" websocket", "websocket;a", "PTTH/1.0"],
];

/** Second fields beside an honest Host. */
export const HOSTS = [
	...["Host: garden.example", "Host: other.example", "host: other.example", "HOST:other.example"],
	...["Host : other.example", "Host\t: other.example", " Host: other.example"],
	...["\tHost: other.example", "Host:\r\n other.example", "X-A: a\r\n Host: other.example"],
	...["Host\x00: other.example", "Host:", "Host: ", "Host: garden.example, other.example"],
	...["Host: garden.example other.example", "Host: garden.example\tother.example"],
	...["Host: garden.example@other.example", "Host: other.example/", "Host: garden.example:80:80"],
	...["Host: garden.example:", "Host: garden.example:x", "Host: garden.example:99999"],
	...["Host: [::1]", "Host: [::1", "Host: ::1", "Host: garden.example#", "Host: garden.example?"],
	...["Host: *", "Host: ..", "Host: garden.example\x00other.example"],
	...["Host: garden.example\rX: y", "Host: garden.example\nHost: other.example"],
	...["Host; other.example", "X-Host: other.example", "X-Forwarded-Host: other.example"],
	...["Forwarded: host=other.example", "H\xd6st: other.example", "Host_: other.example"],
];
