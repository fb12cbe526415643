/** `./ws remove` refuses before it speaks to any host; what it does there is tried on the lab's. */

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { derived, rosterOf, row, user } from "../roster/support.ts";
import { onSurfaces, type Surface } from "../../roster/undelivered-changes.ts";
import { type LoopbackHost, startLoopbackHost } from "./loopback-host.ts";
import { stackBench } from "./stack-fixture.ts";
import { atTerminal } from "./terminal.ts";

vi.setConfig({ testTimeout: 60_000 });

const ada = row("ada", "", "admin");
const both = derived(rosterOf(ada, row("bob")));
const left = derived(rosterOf(ada), { ledger: both.desired.ledger, stack: { confirmLeave: ["bob"] } });

const bench = stackBench({
  "roster.yaml": rosterOf(ada),
  "with-bob.yaml": rosterOf(ada, row("bob")),
});

interface Stack {
  readonly ledger: typeof left;
  readonly roster?: string;
  readonly settings?: object;
  /** Surfaces that the last deployment did not complete. */
  readonly open?: readonly Surface[];
}

function prepare({ ledger, roster = "roster.yaml", settings = {}, open = [] }: Stack): void {
  bench.configure(roster, settings);
  bench.deployed(ledger.desired.ledger, onSurfaces(ledger.undelivered, open));
}

function remove(args: readonly string[], stack: Stack) {
  prepare(stack);
  return bench.ws(["remove", ...args], "", { PATH: bench.path });
}

test.each([
  ["somebody on the roster", ["bob"], { ledger: left, roster: "with-bob.yaml" }, "bob is on the roster"],
  [
    "somebody whose access no deployment has revoked",
    ["bob"],
    { ledger: both },
    "no deployment has revoked their access yet",
  ],
  [
    "somebody whose leave has not reached every surface",
    ["bob"],
    { ledger: left, open: ["host devvm"] },
    "bob's leave has not reached host devvm, where they may still have access; nothing was changed. Run `pulumi up` until",
  ],
  ["a name that nobody had", ["bbo"], { ledger: left }, 'has no user called "bbo"; its offboarded users are: bob'],
  [
    "a namespace that is not theirs",
    ["bob", "--namespace", "books"],
    { ledger: left },
    "books: not bob's by the ledger",
  ],
] satisfies [string, string[], Stack, string][])("%s is refused with exit code 1", (_what, args, given, message) => {
  const ran = remove(args, given);
  expect([ran.code, ran.out]).toEqual([1, ""]);
  expect(ran.err).toContain(message);
});

test("a confirmation of another name, and no name at all, are wrong calls", () => {
  expect(remove(["bob", "--confirm", "bbo"], { ledger: left })).toMatchObject({ code: 2 });
  expect(remove([], { ledger: left })).toMatchObject({ code: 2 });
});

describe("at a real terminal, in front of a host on loopback", () => {
  const uid = left.desired.ledger.people.get(user("bob"))?.uid;
  const shown = {
    ...{ user: "bob", host: "devvm", account: { uid, home: "/home/bob", adopted: false }, refused: [] },
    ...{ home: { things: 12, bytes: 3_500_000, sockets: 0 }, clones: [], files: ["/etc/t3-serve/bob.env"] },
    archives: { folder: "/srv/archives", freeBytes: 9e9, there: [] },
  };
  const ANSWERS: Readonly<Record<string, object>> = {
    show: shown,
    archive: { archive: "bob-20261122T100000Z", sha256: "ab".repeat(32), entries: 12 },
    remove: { removed: "bob", archive: "bob-20261122T100000Z" },
  };
  let host: LoopbackHost;

  beforeAll(async () => {
    host = await startLoopbackHost("devvm", ([, verb = ""]) => ({ out: `${JSON.stringify(ANSWERS[verb] ?? {})}\n` }));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    host.sent.length = 0;
    prepare({ ledger: left, settings: host.settings });
  });
  const verbs = () => host.sent.map(([, verb]) => verb);
  const QUESTION = "Type bob to remove them for good: ";
  const STOPPED = "Nothing was changed: type the name bob at a terminal, or say --confirm bob.";
  const removeBob = (typed: string, args: readonly string[] = ["remove", "bob"]) =>
    atTerminal(args, { cwd: bench.folder, path: bench.path, typed: { after: QUESTION, keys: typed } });

  test("the name, typed, goes on: what goes is shown first, then archived, then removed", async () => {
    const { code, screen } = await removeBob("bob\r");
    expect([code, verbs()]).toEqual([0, ["show", "archive", "remove"]]);
    expect(host.sent.at(-1)?.slice(1)).toEqual([
      ...["remove", "bob", "--uid", String(uid), "--confirm", "bob", "--archive", "bob-20261122T100000Z"],
    ]);
    expect(screen.indexOf("12 things, 3.5 MB")).toBeLessThan(screen.indexOf(QUESTION));
    expect(screen).toContain("devvm: removed");
  });

  test.each([
    ["another name", "bbo\r"],
    ["an empty line", "\r"],
    ["the end of the input", "\u0004"],
    ["half of the name and then Ctrl-C", "bo\u0003"],
  ])("%s stops: the host was only asked what is there, and one sentence says so", async (_what, keys) => {
    const { code, screen } = await removeBob(keys);
    expect([code, verbs()]).toEqual([1, ["show"]]);
    expect(screen.trimEnd().split("\r\n").at(-1)).toBe(STOPPED);
  });

  test("a terminal that goes away while it waits removes nobody", async () => {
    const { screen } = await atTerminal(["remove", "bob"], {
      cwd: bench.folder,
      path: bench.path,
      hangUpAfter: QUESTION,
    });
    expect([screen.includes(QUESTION), verbs()]).toEqual([true, ["show"]]);
  });

  test("without a terminal the name in a pipe is no answer; only --confirm is", async () => {
    const piped = await atTerminal(["remove", "bob"], { cwd: bench.folder, path: bench.path, pipe: "bob\n" });
    expect([piped.code, verbs(), piped.screen.includes(QUESTION)]).toEqual([1, ["show"], false]);
    expect(piped.screen).toContain(STOPPED);
    const confirmed = await atTerminal(["remove", "bob", "--confirm", "bob"], {
      cwd: bench.folder,
      path: bench.path,
      pipe: "",
    });
    expect([confirmed.code, verbs()]).toEqual([0, ["show", "show", "archive", "remove"]]);
  });

  test("an archive alone deletes nothing, so it asks nothing", async () => {
    const { code, screen } = await removeBob("", ["remove", "bob", "--archive-only"]);
    expect([code, verbs(), screen.includes(QUESTION)]).toEqual([0, ["show", "archive"], false]);
  });
});
