/** Requests that somebody might send to the injector, byte by byte, and what must come of each. */

import { get } from "./raw-http.ts";

export interface InjectorCase {
  /** The kind of attack, which several cases have in common. */
  readonly kind: string;
  readonly name: string;
  readonly bytes: string | readonly string[];
  /** Status of the first answer. */
  readonly status: readonly number[];
  /** As whom each request that reached the dashboard came, in their order. */
  readonly arrives: readonly string[];
}

/** Who is in the map of every test: the names are harmless ones that some other map would take for something else. */
export const KNOWN = ["alice", "bob", "default", "include", "hostnames", "volatile", "a.b", "c+d@e"] as const;

const id = (name: string) => `X-authentik-username: ${name}`;

const refused = (status: number, kind: string, name: string, ...lines: readonly string[]): InjectorCase => ({
  kind,
  name,
  bytes: get("/", ...lines),
  status: [status],
  arrives: [],
});

const admitted = (who: string, kind: string, name: string, ...lines: readonly string[]): InjectorCase => ({
  kind,
  name,
  bytes: get("/", ...lines),
  status: [200, 201],
  arrives: [who],
});

export const INJECTOR_CASES: readonly InjectorCase[] = [
  admitted("alice", "known identity", "a known identity arrives as itself", id("alice")),
  admitted("alice", "known identity", "the header's name is known in any case", "x-AUTHENTIK-username: alice"),
  refused(401, "missing identity", "no identity gets nobody in"),
  refused(401, "missing identity", "an empty identity gets nobody in", "X-authentik-username:"),
  refused(403, "unknown identity", "an unknown identity gets nobody in", id("mallory")),
  refused(403, "unknown identity", "another case is another identity", id("Alice")),
  refused(403, "unknown identity", "a percent-encoded identity is not decoded", id("alic%65")),
  refused(403, "unknown identity", "a quoted identity is not unquoted", id('"alice"')),
  refused(403, "unknown identity", "an identity with a trailing dot is another one", id("alice.")),
  refused(403, "unknown identity", "a folded letter is another letter", id("\xe0lice")),
  refused(403, "unknown identity", "a pattern matches nothing", id("~.*")),
  refused(403, "unknown identity", "a wildcard matches nothing", id("*")),
  refused(403, "unknown identity", "a dot in a name stands for itself", id("axb")),
  admitted("a.b", "unknown identity", "a name with a dot is known exactly", id("a.b")),
  admitted("c+d@e", "unknown identity", "a name with a plus is known exactly", id("c+d@e")),
  admitted("default", "unknown identity", "a person named default is a person", id("default")),
  admitted("include", "unknown identity", "a person named include is a person", id("include")),
  admitted("hostnames", "unknown identity", "a person named hostnames is a person", id("hostnames")),
  refused(400, "repeated identity", "the same identity twice gets nobody in", id("alice"), id("alice")),
  refused(400, "repeated identity", "two identities get nobody in", id("alice"), id("bob")),
  refused(400, "repeated identity", "an identity and an empty one get nobody in", id("alice"), "X-authentik-username:"),
  refused(403, "repeated identity", "a list of identities is no identity", id("alice, bob")),
  refused(400, "look-alike header", "a look-alike with underscores gets nobody in", "X_authentik_username: alice"),
  refused(
    400,
    "look-alike header",
    "a look-alike beside the real one gets nobody in",
    id("bob"),
    "X_authentik_username: alice",
  ),
  refused(400, "look-alike header", "a look-alike with a dot gets nobody in", id("bob"), "X.authentik.username: alice"),
  admitted(
    "bob",
    "credentials of the client",
    "a client's own bearer token is replaced",
    id("bob"),
    "Authorization: Bearer stolen",
  ),
  admitted(
    "bob",
    "credentials of the client",
    "a client's own two credentials are replaced",
    id("bob"),
    "Authorization: Basic x",
    "Authorization: Bearer y",
  ),
  admitted(
    "bob",
    "credentials of the client",
    "a client's cookies stay outside",
    id("bob"),
    "Cookie: jweToken=stolen; token=stolen",
    "Proxy-Authorization: Basic x",
  ),
  refused(
    401,
    "credentials of the client",
    "a client's own token alone gets nobody in",
    "Authorization: Bearer stolen",
  ),
  admitted(
    "bob",
    "impersonation",
    "impersonation stays outside",
    id("bob"),
    "Impersonate-User: alice",
    "Impersonate-Group: system:masters",
    "Impersonate_User: alice",
    "Impersonate-Extra-x: y",
  ),
  admitted(
    "bob",
    "impersonation",
    "a front proxy's words stay outside",
    id("bob"),
    "X-Remote-User: alice",
    "X-Remote-Group: system:masters",
  ),
  admitted(
    "bob",
    "hop-by-hop header",
    "nobody can have our header dropped on the way",
    id("bob"),
    "Connection: close, authorization, x-authentik-username",
  ),
  refused(
    400,
    "protocol upgrade",
    "an upgrade to another protocol gets nobody in",
    id("bob"),
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
  ),
  {
    kind: "reused connection",
    name: "a second request on the same connection is judged by itself",
    bytes: get("/", id("alice")) + get("/", id("bob")) + get("/", id("mallory")),
    status: [200, 201],
    arrives: ["alice", "bob"],
  },
  {
    kind: "request smuggling",
    name: "two lengths of a body are refused (content-length first)",
    bytes: `POST / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "two lengths of a body are refused (transfer-encoding first)",
    bytes: `POST / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "an unknown transfer coding is refused",
    bytes: `POST / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "two transfer codings are refused",
    bytes: `POST / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "two content lengths are refused",
    bytes: `POST / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${get("/", id("alice"))}`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "lines that end in a bare line feed are refused",
    bytes: `GET / HTTP/1.1\nHost: d\n${id("bob")}\n\n`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a space before the colon is refused",
    bytes: get("/", "X-authentik-username : alice"),
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a folded line is refused",
    bytes: get("/", id("bob"), "X-Other: a", " X-authentik-username: alice"),
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a NUL in a header is refused",
    bytes: get("/", id("bob\0")),
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a GET with a body in chunks stays one request behind the injector as well",
    bytes: `GET / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(get("/", id("alice"), "Authorization: Bearer stolen"))}0\r\n\r\n`,
    status: [200, 201],
    arrives: ["bob"],
  },
  {
    kind: "request smuggling",
    name: "a GET with a counted body stays one request behind the injector as well",
    bytes: `GET / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\nContent-Length: ${get("/", id("alice")).length}\r\n\r\n${get("/", id("alice"))}`,
    status: [200, 201],
    arrives: ["bob"],
  },
  {
    kind: "request smuggling",
    name: "another server's address is not asked for",
    bytes: `GET http://other.test/ HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\n\r\n`,
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a tunnel is not opened",
    bytes: `CONNECT other.test:443 HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\n\r\n`,
    status: [0, 400, 405],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "two hosts are refused",
    bytes: get("/", id("bob"), "Host: other.test"),
    status: [400],
    arrives: [],
  },
  {
    kind: "request smuggling",
    name: "a method that echoes what was sent is refused",
    bytes: `TRACE / HTTP/1.1\r\nHost: d\r\n${id("bob")}\r\n\r\n`,
    status: [405],
    arrives: [],
  },
  refused(431, "oversized header", "a header of 64 KiB is refused", id("bob"), `X-Long: ${"a".repeat(65_536)}`),
  refused(431, "oversized header", "an identity of 20 KiB is refused", id("b".repeat(20_000))),
  refused(
    431,
    "oversized header",
    "a thousand header lines are refused",
    id("bob"),
    ...Array.from({ length: 1_000 }, (_, i) => `X-${i}: a`),
  ),
  refused(403, "name of a prototype's property", "a name of every object's is nobody", id("__proto__")),
  refused(403, "name of a prototype's property", "another name of every object's is nobody", id("constructor")),
  refused(403, "name of a prototype's property", "a third name of every object's is nobody", id("toString")),
];

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
