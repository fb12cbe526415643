/** Lists the services of people that a stack offers, and says in the plan which of them end because their command is taken out. */

import { counted } from "../roster/text/quote.ts";
import type { StackSettings } from "./settings/stack-settings.ts";

type Commands = StackSettings["devvm"]["commands"];

const NAMES: Readonly<Record<keyof Commands, string>> = {
  browser: "browser servers",
  credentialSync: "credential syncs",
  t3: "code servers",
};

const ALL = Object.keys(NAMES) as readonly (keyof Commands)[];

/** Keys of `devvm.commands`, in one order. */
export const offeredServices = ({ devvm }: Pick<StackSettings, "devvm">): readonly string[] =>
  ALL.filter((name) => devvm.commands[name] !== undefined);

/**
 * Pure.
 * @param before what the last run offered; undefined where nothing is known of that
 * @param people how many are on the roster
 */
export function endedServices(
  settings: Pick<StackSettings, "devvm">,
  before: readonly string[] | undefined,
  people: number,
): readonly string[] {
  const now = offeredServices(settings);
  return ALL.filter((name) => before?.includes(name) === true && !now.includes(name)).map(
    (name) =>
      `everybody: devvm.commands.${name} is taken out. Ends: the ${NAMES[name]} of ${counted(people, "person", "people")}, with what runs in them`,
  );
}
