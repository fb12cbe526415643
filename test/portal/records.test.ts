/** Tests saved records on the user portal: what it lists, what a form may choose, and what reaches root of it. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { OwnFacts } from "../../agent/shared/facts/facts-schemas.ts";
import { dispatchAt } from "../../portal/code-server-proxy/dispatch-table.ts";
import { ingressGuard } from "../../portal/require-ingress-secret.ts";
import { recordList } from "../../portal/page/record-list.ts";
import { rootRequests } from "../../portal/page/root-requests.ts";
import { createPortal } from "../../portal/page/server.ts";
import { choiceIn, lineOf } from "../../portal/page/session-choice.ts";

const ORIGIN = "https://lobby.example";
const HOUR = 3_600_000;
const records: Exclude<OwnFacts["records"], { failed: string }> = [
  { number: 12, takenAtMs: 0, sessions: [{ name: "dev", state: "running" }] },
  {
    number: 9,
    takenAtMs: -HOUR,
    sessions: [
      { name: "dev", state: "running" },
      { name: "<b>api", state: "conversation" },
      { name: "web", state: "shell", why: "the transcript of its conversation is gone" },
      { name: "talk", state: "open elsewhere", why: 'its conversation is open in session "<i>"' },
      { name: "old", state: "forgotten" },
    ],
  },
];

const asked: string[] = [];
/** By line, what lets root answer it. Empty but where a test holds answers back. */
const held = new Map<string, () => void>();
let isHeld = false;
const ask = async (line: string) => {
  asked.push(line);
  if (isHeld) await new Promise<void>((resolve) => held.set(line, resolve));
  const [verb, who = ""] = line.split(" ");
  if (verb === "restore") return JSON.stringify({ people: [{ who, found: [{ name: "web", how: "shell" }] }] });
  if (verb === "forget") return JSON.stringify({ people: [{ who, found: { forgotten: ["web"], running: ["dev"] } }] });
  const known = { osUser: who, host: "devvm", state: "present", sessions: { recorded: [] }, failures: [] };
  const now = { sessions: { running: ["dev"] }, records, clones: [], memoryBytes: 0 };
  return JSON.stringify({ people: [{ who, found: { known, services: { t3: "active", browser: "active" }, now } }] });
};

const folder = mkdtempSync(join(tmpdir(), "records-"));
const lists = {
  dispatch: dispatchAt(join(folder, "dispatch.json")),
  admins: join(folder, "admins"),
  log: () => undefined,
};
const server = createPortal({
  site: { host: "devvm", origin: ORIGIN },
  ingress: ingressGuard({ socket: "/run/lobby.sock" }, undefined, () => undefined),
  lists,
  host: rootRequests(ask, Date.now),
});
let address: string;
beforeAll(async () => {
  const people = ["ana", "bob", "cem", "dan", "eda", "fay"].map((name) => [`${name}@x`, { os_user: name, port: 3773 }]);
  const parked = ["parked@x", { os_user: "parked", port: 3774, parked: true }];
  writeFileSync(join(folder, "dispatch.json"), JSON.stringify(Object.fromEntries([...people, parked])));
  writeFileSync(join(folder, "admins"), "");
  // A connection that a test kept busy for longer is used again by the next one.
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked.length = 0;
});

const FORM = "application/x-www-form-urlencoded";
const post = async (who: string, path: string, body: string, more: Readonly<Record<string, string>> = {}) => {
  const headers = { "X-authentik-username": `${who}@x`, Origin: ORIGIN, "Content-Type": FORM, ...more };
  const answer = await fetch(`${address}${path}`, { method: "POST", headers, body });
  return { status: answer.status, text: await answer.text() };
};

test("the page lists when, how many, what would come back and why the rest would not, and names stay text", async () => {
  const answer = await fetch(address, { headers: { "X-authentik-username": "ana@x" } });
  const text = await answer.text();
  for (const told of [
    "5 sessions, 2 can be brought back",
    "the transcript of its conversation is gone",
    "&#60;b&#62;api",
  ])
    expect(text).toContain(told);
  expect(text).toContain("its conversation is open in session &#34;&#60;i&#62;&#34;");
  expect(text.match(/<(b|i)>/g)).toBeNull();
  // By place in the record, and only what would come back is offered or, forgotten, brought back after all.
  expect([...text.matchAll(/type="checkbox" name="session" value="(\d)"/g)].map(([, place]) => place)).toEqual([
    "1",
    "2",
  ]);
  expect(text).toMatch(/name="session" value="4">\s*<button type="submit" class="calm">Bring it back after all/);
  expect(text.match(/id="record-\d+"/g)).toEqual(['id="record-9"']);
  expect(text.match(/<[^>]+\s(style|on\w+)=/g)).toBeNull();
});

test("nothing is shown where every record runs, and nothing where it cannot be told", () => {
  const running = { number: 1, takenAtMs: 0, sessions: [{ name: "a", state: "running" as const }] };
  expect(recordList({ records: [running], nowMs: 0 }).text).toBe("");
  expect(recordList({ records: { failed: "why" }, nowMs: 0 }).text).toBe("");
});

test("chosen sessions, a whole record and the newest reach root as digits beside the name of who has signed in", async () => {
  const chosen = await post("ana", "/restore", "record=9&choose=yes&session=1&session=2&user=bob");
  expect([chosen.status, chosen.text.includes("1 session brought back")]).toEqual([200, true]);
  expect(chosen.text).toMatch(/id="record-9" open/);
  await post("ana", "/restore", '{"record": 9}', { "Content-Type": "application/json", Accept: "application/json" });
  await post("ana", "/restore", "user=bob");
  expect(asked.filter((line) => line.startsWith("restore"))).toEqual([
    "restore ana 9 1,2",
    "restore ana 9",
    "restore ana",
  ]);
});

test("what is forgotten is told by name, and what runs is not", async () => {
  const { status, text } = await post("ana", "/forget", "record=9&choose=yes&session=2");
  expect([status, asked[0]]).toEqual([200, "forget ana 9 2"]);
  expect(text).toContain("1 session forgotten");
  expect(text).toContain("runs, so it was not forgotten");
  const json = await post("ana", "/forget", '{"record":9,"sessions":[2]}', {
    "Content-Type": "application/json",
    Accept: "application/json",
  });
  expect(JSON.parse(json.text)).toEqual({ who: "ana", found: { forgotten: ["web"], running: ["dev"] } });
});

test.each([
  ["bob", "/restore", "record=9&choose=yes"],
  ["bob", "/restore", "record=0"],
  ["bob", "/restore", "record=9;reboot"],
  ["bob", "/restore", "record=9&choose=yes&session=-1"],
  ["bob", "/restore", "record=9&choose=yes&session=1%202"],
  ["fay", "/restore", "record=9&choose=yes&session=1.5"],
  ["fay", "/forget", ""],
  ["fay", "/forget", "record=9"],
  ["fay", "/forget", "record=9&choose=yes"],
])("for %s, %s with %j changes nothing and says why", async (who, path, body) => {
  const { status, text } = await post(who, path, body, { Accept: "application/json" });
  expect([status, asked]).toEqual([400, []]);
  expect(JSON.parse(text)).toHaveProperty("error");
});

test("JSON that is broken or names sessions of no record changes nothing", () => {
  for (const body of ["{", "[]", '{"sessions":[1]}', '{"record":"x"}', '{"record":9,"sessions":["a"]}', "null"])
    expect(choiceIn("application/json", body)).toHaveProperty("why");
  for (const body of ["", "{}", '{"user":"bob"}'])
    expect(choiceIn("application/json", body)).toEqual({ choice: undefined });
});

test("whatever a request holds, the line for root is the verb, the user, a number and places, or there is none", () => {
  const body = fc.oneof(fc.string(), fc.webQueryParameters(), fc.json());
  fc.assert(
    fc.property(fc.constantFrom(FORM, "application/json; charset=utf-8"), body, (type, text) => {
      const found = choiceIn(type, text);
      if ("choice" in found)
        expect(lineOf("restore", "ana", found.choice)).toMatch(/^restore ana( \d{1,9}( \d{1,3}(,\d{1,3})*)?)?$/);
    }),
  );
});

test.each([
  ["a foreign page", { Origin: "https://evil.example" }, 403],
  ["plain text", { "Content-Type": "text/plain" }, 415],
])("%s makes nobody forget anything", async (_, more, status) => {
  expect([(await post("cem", "/forget", "record=9&choose=yes&session=2", more)).status, asked]).toEqual([status, []]);
});

test("a GET forgets nothing, and nobody forgets or brings back anything while they are parked", async () => {
  const headers = { "X-authentik-username": "cem@x" };
  expect((await fetch(`${address}/forget?record=9&session=1`, { headers })).status).toBe(405);
  for (const path of ["/restore", "/forget"])
    expect((await post("parked", path, "record=9&choose=yes&session=1")).status).toBe(409);
  const page = await fetch(address, { headers: { "X-authentik-username": "parked@x" } });
  expect((await page.text()).includes("record-9")).toBe(false);
  expect(asked).toEqual(["facts parked"]);
});

test("one person's choices wait for each other, whichever they are, and hold nobody else up", async () => {
  isHeld = true;
  const json = { Accept: "application/json" };
  const first = post("dan", "/restore", "record=9", json);
  await expect.poll(() => asked).toEqual(["restore dan 9"]);
  const same = post("dan", "/restore", "record=9", json);
  const second = post("dan", "/forget", "record=9&choose=yes&session=1", json);
  const other = post("eda", "/restore", "", json);
  await expect.poll(() => asked).toEqual(["restore dan 9", "restore eda"]);
  held.get("restore eda")?.();
  expect((await other).status).toBe(200);
  expect(asked).toHaveLength(2);
  held.get("restore dan 9")?.();
  expect([(await first).text, (await first).status]).toEqual([(await same).text, 200]);
  await expect.poll(() => asked.at(-1)).toBe("forget dan 9 1");
  isHeld = false;
  held.get("forget dan 9 1")?.();
  expect((await second).status).toBe(200);
});
