/** Tests that the portal's pages stay small and quick however much one person's facts hold, and say how much they leave out. */
import { expect, test } from "vitest";
import type { OwnFacts, RecordedSession, Report } from "../../agent/shared/facts/facts-schemas.ts";
import { clonesWithNotes } from "../../agent/shared/facts/format.ts";
import { mePage } from "../../portal/page/me-page.ts";
import { outcomeList } from "../../portal/page/outcome-list.ts";
import { peoplePage } from "../../portal/page/people-page.ts";
import { recordList } from "../../portal/page/record-list.ts";
import { renderOnce } from "../../portal/page/reply.ts";
import { html } from "../../portal/page/html.ts";

const LARGEST_PAGE_BYTES = 512 * 1024;
const site = { host: "devvm", origin: "https://lobby.example" };
const guest = { name: "emo@x", osUser: "emo", parked: false, admin: true };
const repeated = <T>(count: number, one: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => one(at));
const report = (now: Partial<OwnFacts>): Report => ({
  known: { osUser: "emo", host: "devvm", state: "present", sessions: { recorded: [] }, failures: [] },
  services: { t3: "active", browser: "active" },
  now: { sessions: { running: [] }, records: [], clones: [], memoryBytes: 1, ...now },
});
const pageOf = (now: Partial<OwnFacts>) =>
  mePage({ site, guest, answer: { who: "emo", found: report(now) }, nowMs: 0 }).text;
const record = (number: number, count: number, session: (at: number) => RecordedSession) => ({
  ...{ number, takenAtMs: 0 },
  sessions: repeated(count, session),
});

test.each([
  [
    "long names",
    { records: repeated(2, (n) => record(n + 1, 500, (at) => ({ name: `${at}${"n".repeat(980)}`, state: "shell" }))) },
  ],
  [
    "many forgotten sessions",
    { records: repeated(64, (n) => record(n + 1, 500, () => ({ name: "", state: "forgotten" }))) },
  ],
  ["texts that need escaping", { sessions: { running: repeated(500, () => "<".repeat(2000)) } }],
  [
    "long reasons of clones",
    { clones: repeated(500, (at) => ({ path: `~/${at}`, state: "kept", why: "&".repeat(2000) })) },
  ],
] satisfies [string, Partial<OwnFacts>][])("the pages of a person with %s stay small", (_, now) => {
  expect(Buffer.byteLength(pageOf(now))).toBeLessThan(LARGEST_PAGE_BYTES);
  const people = [{ who: "emo", found: report(now) }];
  expect(Buffer.byteLength(peoplePage({ site, guest, people, nowMs: 0 }).text)).toBeLessThan(LARGEST_PAGE_BYTES);
});

test("what a list leaves out is counted, and the page tells where it is", () => {
  const text = pageOf({
    sessions: { running: repeated(150, (at) => `s${at}`) },
    clones: repeated(101, (at) => ({ path: `~/${at}`, state: "fresh" })),
  });
  expect(text).toContain("150 running");
  expect(text).toContain("and 50 more sessions, which <code>ws-me</code> lists in a terminal");
  expect(text).toContain("and 1 more clone, which <code>ws-me</code> lists in a terminal");
  expect(text.match(/href="\/terminal\?session=s\d+"/g)).toHaveLength(100);
  const found = repeated(150, (at) => ({ name: `s${at}`, how: "shell" as const }));
  expect(outcomeList({ who: "emo", found }).text).toContain("and 50 more sessions, which <code>ws-me records</code>");
});

test("a record that is too large for the page can be brought back as a whole, and later ones too", () => {
  const records = [7, 6].map((number) => record(number, 450, (at) => ({ name: `s${at}`, state: "shell" })));
  const { text } = recordList({ records, nowMs: 0 });
  expect(text.match(/type="checkbox"/g)).toHaveLength(400);
  expect(text).toContain("and 50 more sessions, which <code>ws-me records</code> lists in a terminal");
  expect(text).toContain("and 450 more sessions");
  expect(text.match(/name="record" value="\d">\s*<button type="submit" class="calm">Bring back all 450/g)).toEqual([
    expect.stringContaining('value="7"'),
    expect.stringContaining('value="6"'),
  ]);
  const many = repeated(22, (at) => record(at + 1, 1, () => ({ name: "a", state: "shell" })));
  expect(recordList({ records: many, nowMs: 0 }).text).toContain("and 2 more records");
});

test("a name that is too long for the page is cut and leads nowhere", () => {
  const long = "n".repeat(201);
  const text = pageOf({ sessions: { running: ["dev", long] } });
  expect(text).toContain(`<span class="name">${"n".repeat(200)}…</span>`);
  expect([text.includes(long), text.includes("session=nnn"), text.includes("session=dev")]).toEqual([
    false,
    false,
    true,
  ]);
});

test("one look is rendered once for each reader", () => {
  const look = {};
  let times = 0;
  const render = () => {
    times += 1;
    return html`<p>${times}</p>`;
  };
  const of = (reader: object) => renderOnce(look, reader, render).bytes;
  expect(of({ name: "a" })).toBe(of({ name: "a" }));
  expect(of({ name: "b" }).toString()).toBe("<p>2</p>");
  expect(renderOnce({}, undefined, render).bytes.toString()).toBe("<p>3</p>");
});

test("a note is of the clone that it names first", () => {
  const clones = [{ path: "~/a", state: "kept" as const }];
  const said = ["~/a: changes", "~/a has more", "~/ab: other", "~/a"];
  expect(clonesWithNotes(clones, said)).toEqual({
    clones: [{ path: "~/a", state: "kept", why: "changes; has more" }],
    others: ["~/ab: other", "~/a"],
  });
});
