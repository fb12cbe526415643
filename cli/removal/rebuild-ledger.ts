/** Rebuilds a lost ledger from the hosts' own copies: each host keeps what it was given for each of its people. */

import { z } from "zod";
import { loadLedger } from "../../roster/ledger.ts";
import type { Ledger } from "../../roster/model.ts";
import { renderProblem } from "../../roster/render-problem.ts";
import { mapOf } from "../../agent/lib/map-schema.ts";
import { canonicalJson, type Json } from "../../roster/text/canonical-json.ts";
import { Refusal } from "../../config/refusal.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Host, onHost } from "../../clients/ssh/run-command.ts";

const given = z.looseObject({ uid: z.int(), hosts: z.array(z.string()), leftOn: z.string().optional() });
const account = z.looseObject({
  osUser: z.string(),
  uid: z.int(),
  state: z.enum(["present", "left"]),
  given: given.optional(),
});
const ledger = z.looseObject({
  people: mapOf(z.looseObject({ uid: z.int(), removedOn: z.string().optional(), given: given.optional() })),
});

/** One person as one host remembers them. */
interface Memory {
  readonly who: string;
  readonly host: string;
  readonly uid: number;
  readonly present: boolean;
  readonly entry: z.output<typeof given> | undefined;
  readonly removedOn: string | undefined;
}

/**
 * @returns the ledger's text
 * @throws Refusal that names whomever no host remembers in full, and every contradiction: nothing is guessed
 */
export async function ledgerFromHosts(
  settings: StackSettings,
): Promise<{ readonly text: string; readonly ledger: Ledger }> {
  const memories = (await Promise.all(settings.hosts.map((host) => memoriesOf(settings, host)))).flat();
  const people = new Map<string, Json>();
  const unknown: string[] = [];
  for (const who of [...new Set(memories.map((one) => one.who))].sort()) {
    const of = memories.filter((one) => one.who === who);
    const best =
      of.find((one) => one.present && one.entry) ??
      of.find((one) => one.entry?.hosts[0] === one.host) ??
      of.find((one) => one.entry);
    const other = of.find((one) => one.uid !== of[0]?.uid);
    if (best?.entry === undefined)
      unknown.push(
        `${who} (uid ${of[0]?.uid} on ${of.map((one) => one.host).join(", ")}): no host kept what the stack knew of them`,
      );
    else if (other !== undefined)
      unknown.push(`${who}: uid ${of[0]?.uid} on ${of[0]?.host} and ${other.uid} on ${other.host}`);
    else {
      // Gone for good only where no host has them any more.
      const removedOn = of.every((one) => one.removedOn !== undefined) ? best.removedOn : undefined;
      const leftOn = best.entry.leftOn ?? removedOn;
      people.set(who, {
        ...(best.entry as { readonly [key: string]: Json }),
        ...(leftOn === undefined ? {} : { leftOn }),
        ...(removedOn === undefined ? {} : { removedOn }),
      });
    }
  }
  if (unknown.length > 0)
    throw new Refusal(
      [
        "The ledger cannot be rebuilt completely, and an incomplete one is refused:",
        ...unknown,
        "`./ws import` works out people from what is there.",
      ].join("\n  "),
    );
  const text = canonicalJson({ version: 1, people });
  const loaded = loadLedger(text, "the rebuilt ledger");
  if (!loaded.ok)
    throw new Refusal(["The hosts' ledgers conflict:", ...loaded.problems.map(renderProblem)].join("\n  "));
  return { text, ledger: loaded.ledger };
}

/** A host that was delivered to and never had anybody has no ledger; one that was never delivered to remembers nothing. */
const READ = `cd /var/lib/workstation || exit 1
if [ -f ledger.json ]; then cat ledger.json; else [ -f parts/base.json ] || exit 1; echo '{"people":{}}'; fi
for part in parts/account.*.json; do if [ -f "$part" ]; then cat "$part"; fi; done`;

async function memoriesOf(settings: StackSettings, host: Host): Promise<readonly Memory[]> {
  const { code, stdout, stderr } = await onHost(settings, host, { argv: ["/bin/sh", "-c", READ] });
  if (code !== 0)
    throw new Refusal(
      `${host.name} has no ledger (${stderr.trim() || "nothing was ever delivered to it"}); a ledger without it would assign its uids and ports again`,
    );
  try {
    const [first, ...rest] = stdout.split("\n").filter((line) => line !== "");
    const hostLedger = ledger.parse(JSON.parse(first ?? ""));
    const parts = rest.map((line) => account.parse(JSON.parse(line)));
    const removed = [...hostLedger.people].flatMap(([who, entry]): Memory[] =>
      entry.removedOn === undefined
        ? []
        : [{ who, host: host.name, uid: entry.uid, present: false, entry: entry.given, removedOn: entry.removedOn }],
    );
    const held = parts.map(
      ({ osUser, uid, state, given: entry }): Memory => ({
        who: osUser,
        host: host.name,
        uid,
        present: state === "present",
        entry,
        removedOn: undefined,
      }),
    );
    return [...held, ...removed];
  } catch (cause) {
    throw new Refusal(
      `${host.name}: its ledger is damaged (${(cause as Error).name}); restore /var/lib/workstation there from a backup`,
    );
  }
}
