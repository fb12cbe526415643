/** `./ws remove` refuses before it speaks to any host; what it does there is tried on the lab's. */

import { chmodSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect, test, vi } from "vitest";
import { writeLedger } from "../../roster/ledger.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { LEAST, raw } from "../stacks/raw-config.ts";
import { workbench } from "./run-ws.ts";

vi.setConfig({ testTimeout: 60_000 });

const ada = row("ada", "", "admin");
const both = derived(rosterOf(ada, row("bob")));
const left = derived(rosterOf(ada), { ledger: both.desired.ledger, stack: { confirmLeave: ["bob"] } });

const bench = workbench({
  pulumi:
    '#!/bin/sh\nhere=$(dirname "$0")\ncase "$1" in config) cat "$here/config.json" ;; stack) cat "$here/outputs.json" ;; esac\n',
  "roster.yaml": rosterOf(ada),
  "with-bob.yaml": rosterOf(ada, row("bob")),
});
chmodSync(join(bench.folder, "pulumi"), 0o755);

function remove(
  args: readonly string[],
  { ledger, roster = "roster.yaml" }: { readonly ledger: typeof left; readonly roster?: string },
) {
  const values = raw({ ...LEAST, roster: join(bench.folder, roster) });
  const entries = Object.entries(values).map(([key, value]) => [key, { value, secret: false }]);
  bench.write("config.json", JSON.stringify(Object.fromEntries(entries)));
  bench.write("outputs.json", JSON.stringify({ ledger: writeLedger(ledger.desired.ledger) }));
  const path = [bench.folder, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
  return bench.ws(["remove", ...args], "", { PATH: path });
}

test.each([
  ["somebody on the roster", ["bob"], { ledger: left, roster: "with-bob.yaml" }, "bob is on the roster"],
  ["somebody whose access no deployment has cut", ["bob"], { ledger: both }, "no deployment has cut their access yet"],
  ["a name that nobody had", ["bbo"], { ledger: left }, 'knows nobody called "bbo"; those who left: bob'],
  [
    "a namespace that is not theirs",
    ["bob", "--namespace", "books"],
    { ledger: left },
    "books: not bob's by the ledger",
  ],
])("%s is refused with exit code 1", (_what, args, given, message) => {
  const ran = remove(args, given);
  expect([ran.code, ran.out]).toEqual([1, ""]);
  expect(ran.err).toContain(message);
});

test("a confirmation of another name, and no name at all, are wrong calls", () => {
  expect(remove(["bob", "--confirm", "bbo"], { ledger: left })).toMatchObject({ code: 2 });
  expect(remove([], { ledger: left })).toMatchObject({ code: 2 });
});
