/** The commands of `tmux-persist`: `save`, `restore`, `forget`, `status`. */

import { Refusal } from "../../lib/errors.ts";
import { assertRoot } from "../system/assert-root.ts";
import { onlyLooking } from "../system/dry-run.ts";
import { realSystem } from "../system/privileged-operations.ts";
import { forget } from "./forget-session.ts";
import { restore } from "./restore-sessions.ts";
import { save } from "./save-sessions.ts";
import { sessionsStatus } from "./status.ts";

const USAGE = `tmux-persist save                                     write down everybody's sessions
tmux-persist restore [user] [--record N] [--json]     bring back what is missing, of the newest record or of record N
tmux-persist forget <user> <session>                  what was ended on purpose is not brought back
tmux-persist status [user] [--json]                   what runs, what could be brought back, how old the record is`;

const USER = /^[a-z_][a-z0-9_-]{0,31}$/;

/** @returns the exit code. @throws Refusal for the operator. */
export async function sessionsCommand(argv: readonly string[]): Promise<number> {
  assertRoot("tmux-persist");
  const [verb, ...rest] = argv;
  if (verb === "save" && rest.length === 0) return save(realSystem, Date.now);
  if (verb === "forget" && rest.length === 2) return forget(realSystem, rest[0] ?? "", rest[1] ?? "", Date.now());
  const { who, record, json, unknown } = optionsOf(rest);
  const one = who === undefined ? {} : { who };
  if (verb === "restore" && !unknown && (record === undefined || who !== undefined))
    return restore(realSystem, { ...one, json, ...(record === undefined ? {} : { record }) });
  if (verb === "status" && !unknown && record === undefined)
    return sessionsStatus(onlyLooking(realSystem), who, json, Date.now());
  throw new Refusal(`${verb === undefined ? "no command given" : `not understood: ${argv.join(" ")}`}\n${USAGE}`);
}

interface Options {
  readonly who: string | undefined;
  readonly record: number | undefined;
  readonly json: boolean;
  readonly unknown: boolean;
}

function optionsOf(words: readonly string[]): Options {
  const text = words.join(" ");
  const shape = /^(?:([a-z_]\S*)\s?)?(?:--record (\d{1,9})\s?)?(--json)?$/.exec(text);
  const who = shape?.[1];
  const record = shape?.[2];
  return {
    who,
    record: record === undefined ? undefined : Number(record),
    json: shape?.[3] !== undefined,
    unknown: shape === null || (who !== undefined && !USER.test(who)),
  };
}
