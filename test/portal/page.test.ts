/**
 * Tests the user portal with a fake host: who is let in, what a foreign page can make it do, and what it shows of
 * hostile names.
 */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { NOT_OFFERED, type Report } from "../../agent/shared/facts/facts-schemas.ts";
import { clonesWithNotes, savedText } from "../../agent/shared/facts/format.ts";
import { linesOf } from "../../agent/user/facts/print-own-status.ts";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { ingressGuard } from "../../portal/require-ingress-secret.ts";
import { mePage } from "../../portal/page/me-page.ts";
import { peoplePage } from "../../portal/page/people-page.ts";
import { type SendRequest, rootRequests } from "../../portal/page/root-requests.ts";
import { visitorAuthorization } from "../../portal/page/authorize-visitor.ts";
import { createPortal } from "../../portal/page/server.ts";

const ORIGIN = "https://lobby.example";
const report = (osUser: string): Report => ({
  known: {
    osUser,
    host: "devvm",
    state: "present",
    ports: { t3: 3773, browser: 8931 },
    limits: { memory: "4G", cpu: "200%", tasks: "512", paneMemory: "2G" },
    sessions: { recorded: ["dev", "<b>&'\"\u202e"], recordedAtMs: 0 },
    notes: { atMs: 0, says: ["~/code: <i>", "~/code/gone could not be cloned: <script>"] },
    failures: [],
  },
  services: { t3: "active", browser: "inactive" },
  now: {
    sessions: { running: ["dev"] },
    records: [
      {
        number: 7,
        takenAtMs: 0,
        sessions: [
          { name: "dev", state: "running" },
          { name: "<b>&'\"\u202e", state: "shell", why: "<u>gone" },
        ],
      },
    ],
    clones: [
      { path: "~/code", state: "kept", why: "has changes" },
      { path: "~/code/gone", state: "missing" },
    ],
    memoryBytes: 1024 ** 3,
  },
});

const FORGOT = { forgotten: ["web"], running: [] };
const asked: string[] = [];
const log: string[] = [];
let broken = false;
let brokenLooks = false;
/** Every recorded session runs. */
let nothingMissing = false;
const ask: SendRequest = (line) => {
  asked.push(line);
  if (broken) return Promise.resolve("");
  const [verb, who = ""] = line.split(" ");
  if (brokenLooks && verb === "facts") return Promise.reject(new Error("root did not answer in time"));
  if (verb === "forget") return Promise.resolve(JSON.stringify({ people: [{ who, found: FORGOT }] }));
  const restored = { who, found: [{ name: "<b>&'\"\u202e", how: "shell", why: "<u>gone" }] };
  if (verb === "restore") return Promise.resolve(JSON.stringify({ people: [restored] }));
  const people = who === "" ? ["ana", "root"] : [who];
  const found = (osUser: string) => {
    const all = report(osUser);
    return nothingMissing ? { ...all, now: { ...all.now, records: [] } } : all;
  };
  return Promise.resolve(JSON.stringify({ people: people.map((p) => ({ who: p, found: found(p) })) }));
};

const folder = mkdtempSync(join(tmpdir(), "lobby-"));
const path = (name: string) => join(folder, name);
const lists = {
  dispatch: dispatchAt(path("dispatch.json")),
  admins: path("admins"),
  log: (line: string) => log.push(line),
};
const site = { host: "devvm", origin: ORIGIN, codeServer: "https://code.example/", contact: "Ask wizard." };
let nowMs = 0;
const ingress = ingressGuard({ socket: "/run/lobby.sock" }, undefined, (line) => log.push(line));
const server = createPortal({ site, ingress, lists, host: rootRequests(ask, () => nowMs) });
let port: number;
beforeAll(async () => {
  const entry = (os_user: string, more = {}) => ({ os_user, port: 3773, ...more });
  const table = { "ana@x": entry("ana"), "wiz@x": entry("wiz"), "parked@x": entry("parked", { parked: true }) };
  writeFileSync(path("dispatch.json"), JSON.stringify(table));
  writeFileSync(path("admins"), "# Generated\nwiz\n");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked.length = 0;
  nowMs += 60_000;
  broken = false;
  nothingMissing = false;
});

const send = async (method: string, url: string, headers: readonly string[], body = "") => {
  const sent = request({
    host: "127.0.0.1",
    port,
    path: url,
    method,
    headers: ["Host", "lobby", ...headers],
    agent: false,
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const pieces: string[] = [];
  for await (const piece of answer) pieces.push(String(piece));
  return { status: answer.statusCode, headers: answer.headers, text: pieces.join("") };
};
const ANA = ["X-authentik-username", "ana@x"];
const WIZ = ["X-authentik-username", "wiz@x"];
const FORM = ["Content-Type", "application/x-www-form-urlencoded"];
const OWN = ["Origin", ORIGIN];

test("the page tells one's own facts, and names from homes stay text", async () => {
  const { status, text, headers } = await send("GET", "/", ANA);
  expect(status).toBe(200);
  expect(asked).toEqual(["facts ana"]);
  for (const told of ["1 running, 1 can be restored", "3773", "1 GiB of 4 GiB", "https://code.example/", "Ask wizard."])
    expect(text).toContain(told);
  expect(text).toContain("&#60;b&#62;&#38;&#39;&#34;\ufffd");
  expect(text).toContain("could not be cloned: &#60;script&#62;");
  expect(text.match(/<(b|i|u|script)>/g)).toBeNull();
  expect(headers["content-security-policy"]).toMatch(
    /^default-src 'none'.*form-action 'self'.*frame-ancestors 'none'$/,
  );
  expect(text.match(/<[^>]+\s(style|on\w+)=|<style|<script(?! src=)/g)).toBeNull();
  expect([headers["cache-control"], headers["x-content-type-options"]]).toEqual(["no-store", "nosniff"]);
});

test.each([
  ["nobody", []],
  ["a stranger", ["X-authentik-username", "eve@x"]],
  ["two names", [...ANA, ...WIZ]],
  ["a look-alike beside", [...ANA, "X_authentik_username", "wiz@x"]],
  ["a look-alike alone", ["X-authentik.username", "ana@x"]],
  ["a name of every object", ["X-authentik-username", "constructor"]],
])("%s is let in nowhere, and root is asked nothing", async (_, headers) => {
  for (const [method, url] of [
    ["GET", "/"],
    ["GET", "/api/me"],
    ["GET", "/style.css"],
    ["POST", "/restore"],
  ] as const)
    expect((await send(method, url, [...headers, ...OWN, ...FORM])).status).toBe(403);
  expect(asked).toEqual([]);
});

test.each<[string, string, readonly string[], number]>([
  ["a GET", "GET", [], 405],
  ["a HEAD", "HEAD", [], 405],
  ["another page's form", "POST", ["Origin", "https://evil.example", ...FORM], 403],
  ["a page of a sibling's", "POST", ["Origin", "https://evil.lobby.example", ...FORM], 403],
  ["a page without an origin", "POST", ["Origin", "null", ...FORM], 403],
  ["a request that tells no origin", "POST", FORM, 403],
  ["two origins", "POST", [...OWN, "Origin", "https://evil.example", ...FORM], 403],
  ["what the browser calls cross-site", "POST", [...OWN, ...FORM, "Sec-Fetch-Site", "cross-site"], 403],
  ["plain text, which any page may send", "POST", [...OWN, "Content-Type", "text/plain"], 415],
  ["no type at all", "POST", OWN, 415],
])("%s restores nothing", async (_, method, headers, status) => {
  expect((await send(method, "/restore", [...ANA, ...headers])).status).toBe(status);
  expect(asked).toEqual([]);
});

test("the button restores one's own sessions whatever else the request names, and tells what came of it", async () => {
  const body = "user=wiz&os_user=wiz";
  const { status, text } = await send("POST", "/restore?user=wiz", [...ANA, ...OWN, ...FORM], body);
  expect(status).toBe(200);
  expect(asked).toEqual(["restore ana", "facts ana"]);
  expect(text).toContain("1 session brought back");
  expect(text).toContain("with a shell: &#60;u&#62;gone");
  expect(log.at(-1)).toContain("ana: restore asked for by ana@x");
  const json = await send("POST", "/restore", [
    ...ANA,
    ...OWN,
    ...FORM,
    "Accept",
    "application/json",
    "Sec-Fetch-Site",
    "same-origin",
  ]);
  expect(JSON.parse(json.text)).toMatchObject({ who: "ana", found: [{ how: "shell" }] });
  expect((await send("POST", "/restore", [...ANA, ...OWN, ...FORM], "x".repeat(10_000))).status).toBe(413);
});

test("somebody parked reads that they are, and nothing is started for them", async () => {
  const PARKED = ["X-authentik-username", "parked@x"];
  const { text } = await send("GET", "/", PARKED);
  expect([text.includes("Parked"), text.includes("<button")]).toEqual([true, false]);
  expect((await send("POST", "/restore", [...PARKED, ...OWN, ...FORM])).status).toBe(409);
  expect(asked).toEqual(["facts parked"]);
});

test("the board is for admins, and says first who needs something", async () => {
  expect([(await send("GET", "/people", ANA)).status, (await send("GET", "/api/people", ANA)).status]).toEqual([
    403, 403,
  ]);
  expect(asked).toEqual([]);
  const { status, text } = await send("GET", "/people", WIZ);
  expect([status, text.includes("2 people on devvm"), text.includes("1 session could be restored")]).toEqual([
    200,
    true,
    true,
  ]);
  expect((await send("GET", "/", ANA)).text).not.toContain('href="/people"');
});

test("one look serves whoever reloads at once, and the first after a restore is a new one", async () => {
  for (const _ of [1, 2, 3]) await send("GET", "/api/me", ANA);
  expect(asked).toEqual(["facts ana"]);
  await send("POST", "/restore", [...ANA, ...OWN, ...FORM]);
  expect(asked).toEqual(["facts ana", "restore ana", "facts ana"]);
});

test("another page that fetches in a loop uses up nothing of what its reader may ask for", async () => {
  const foreign = ["Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"];
  const fetched = await Promise.all(Array.from({ length: 150 }, () => send("GET", "/", [...ANA, ...foreign])));
  expect(fetched.filter(({ status }) => status !== 403)).toEqual([]);
  expect(asked).toEqual([]);
  expect((await send("GET", "/", ANA)).status).toBe(200);
});

test("a host that does not answer is a sentence, and is asked again the next time", async () => {
  broken = true;
  const { status, text } = await send("GET", "/", ANA);
  expect([status, text.includes("The host did not answer as it should")]).toEqual([502, true]);
  broken = false;
  expect((await send("GET", "/", ANA)).status).toBe(200);
});

test("what a change has done is shown although the look that follows it fails", async () => {
  brokenLooks = true;
  const change = (url: string, body?: string) => send("POST", url, [...ANA, ...OWN, ...FORM], body);
  const restored = await change("/restore");
  const forgot = await change("/forget", "record=7&choose=yes&session=1");
  brokenLooks = false;
  expect([restored.status, forgot.status]).toEqual([200, 200]);
  expect(restored.text).toContain("1 session brought back");
  expect(forgot.text).toContain("1 session forgotten");
  for (const { text } of [restored, forgot]) expect(text).toContain("Nothing can be told at the moment");
});

test("a change without an answer may have been made, and a page never says that it was not", async () => {
  broken = true;
  const changed = await send("POST", "/restore", [...ANA, ...OWN, ...FORM]);
  const looked = await send("GET", "/", ANA);
  broken = false;
  expect([changed.status, looked.status]).toEqual([502, 502]);
  expect([changed.text, looked.text].map((text) => text.includes("not known whether"))).toEqual([true, false]);
});

test("a failure that one person meets again and again is one line of the journal, and a client that leaves is none", async () => {
  log.length = 0;
  const socket = connect(port, "127.0.0.1");
  const lines = ["POST /restore HTTP/1.1", "Host: lobby", `${ANA[0]}: ${ANA[1]}`, `Origin: ${ORIGIN}`];
  socket.write([...lines, "Content-Type: application/json", "Content-Length: 100", "", "{"].join("\r\n"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.resetAndDestroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(log).toEqual([]);
  broken = true;
  for (let i = 0; i < 10; i += 1) expect((await send("GET", "/", WIZ)).status).toBe(502);
  broken = false;
  expect(log.filter((line) => line.startsWith("wiz: "))).toHaveLength(1);
  expect(log).toHaveLength(1);
});

test("a list that is gone or broken lets nobody in", async () => {
  const admins = readFileSync(path("admins"));
  rmSync(path("admins"));
  expect((await send("GET", "/", ANA)).status).toBe(503);
  writeFileSync(path("admins"), admins);
  expect((await send("GET", "/", ANA)).status).toBe(200);
});

test("a list that is gone is logged once and not for each request, and is read again only when it changes", async () => {
  const admins = readFileSync(path("admins"));
  rmSync(path("admins"));
  const lines: string[] = [];
  const authorize = visitorAuthorization({ ...lists, log: (line) => lines.push(line) });
  const asked = Array.from({ length: 50 }, () => authorize(ANA));
  writeFileSync(path("admins"), admins);
  expect(asked.every((found) => "why" in found && found.status === 503)).toBe(true);
  expect(lines).toEqual([expect.stringContaining("the lists cannot be read, so nobody is let in")]);
  expect(authorize(ANA)).toMatchObject({ name: "ana@x", osUser: "ana", admin: false });
  expect(authorize(["X-authentik-username", "wiz@x"])).toMatchObject({ osUser: "wiz", admin: true });
});

test("an answer about somebody else is none", async () => {
  const host = rootRequests(
    () => Promise.resolve(JSON.stringify({ people: [{ who: "wiz", found: report("wiz") }] })),
    () => 0,
  );
  await expect(host.facts("ana")).rejects.toThrow("not about ana");
});

test("a service that the host offers to nobody has no row, and is nobody's problem", () => {
  const pages = (services: Report["services"]) => {
    const found = { ...report("ana"), services };
    const guest = { name: "ana@x", osUser: "ana", admin: true, parked: false };
    return [
      mePage({ site, guest, answer: { who: "ana", found }, nowMs }).text,
      peoplePage({ site, guest, people: [{ who: "ana", found }], nowMs }).text,
    ];
  };
  const [own, board] = pages({ t3: "failed", browser: "active" });
  expect([own?.includes("<dt>Code server</dt>"), own?.includes("<dt>Browser</dt>")]).toEqual([true, true]);
  expect(board).toContain("the code server does not run");
  const [ownWithout, boardWithout] = pages({ t3: NOT_OFFERED, browser: NOT_OFFERED });
  expect(ownWithout).toContain("This host has neither a code server nor a browser.");
  expect(ownWithout).not.toMatch(/<dt>(Code server|Browser)/);
  expect(boardWithout).not.toMatch(/does not run|3773|not offered/);
});

test("what a look tells now stands before what a run said, and that before nothing", () => {
  const { known, now } = report("ana");
  if ("failed" in now) throw new Error("made up wrongly");
  const told = clonesWithNotes(now.clones, known.notes?.says ?? []);
  expect(told.clones.map(({ why }) => why)).toEqual(["has changes", "could not be cloned: <script>"]);
  expect(linesOf(known, now, 0).join("\n")).toMatch(/sessions +dev\nnot running +<b>/);
});

test.each<[string, { seenAtMs?: number; recordedAtMs?: number }, number | undefined, string]>([
  ["sessions run", { seenAtMs: 120_000, recordedAtMs: 0 }, 2, "Last saved 1 minute ago, and unchanged for 3 minutes."],
  [
    "nothing runs, which is no failure of the save",
    { seenAtMs: 0, recordedAtMs: 0 },
    0,
    "No session runs, so there is nothing to save now. What ran 3 minutes ago is kept.",
  ],
  ["nothing was ever saved", {}, 0, "Not saved yet: a save runs every five minutes."],
  ["it cannot be told what runs", { seenAtMs: 0 }, undefined, "Last saved 3 minutes ago."],
])("when the sessions were saved: %s", (_, saved, running, sentence) => {
  expect(savedText({ recorded: [], ...saved }, running, 180_000)).toBe(sentence);
});

test("beside a button that has nothing to do stands what it is for", async () => {
  nothingMissing = true;
  const { text } = await send("GET", "/", ANA);
  expect(text).toContain("No saved session is missing. If one ends unasked, this brings it back.");
  expect(text).not.toContain("harm");
});

/** Relative luminance and contrast as WCAG 2 defines them. */
const luminance = (hex: string) => {
  const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  const [r = 0, g = 0, b = 0] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string) => {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

test.each(["light", "dark"])("every text can be told from its ground in the %s colours", (scheme) => {
  const css = readFileSync(new URL("../../portal/page/files/style.css", import.meta.url), "utf8");
  const blocks = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block = ""]) => block);
  const colours = new Map(
    blocks
      .slice(0, scheme === "light" ? 1 : 2)
      .flatMap((block) => [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)])
      .map(([, name = "", value = ""]) => [name, value]),
  );
  const pairs = [
    ...["ink", "quiet", "accent"].flatMap((ink) => ["ground", "card"].map((on) => [ink, on])),
    ...["good", "warn", "bad"].map((word) => [word, `${word}-ground`]),
    ...["good-ground", "warn-ground", "bad-ground", "off-ground"].map((on) => ["ink", on]),
    ["accent-ink", "accent"],
    ["accent-ink", "accent-press"],
  ];
  const poor = pairs.filter(([ink = "", on = ""]) => contrast(colours.get(ink) ?? "", colours.get(on) ?? "") < 4.5);
  expect(pairs.length).toBe(15);
  expect(poor).toEqual([]);
});
