/** Reads the ids of forge accounts from the engine's state: an account keeps its id when its owner renames it. */

import { z } from "zod";
import { folded } from "../../roster/text/code-unit-order.ts";
import { inForm } from "../stack/deployed-resources.ts";

/** Ids by login in lower case; several where deployments found different accounts under one login. */
export type RecordedAccounts = ReadonlyMap<string, readonly number[]>;

const stateForm = z.object({
  deployment: z
    .object({
      resources: z
        .array(z.object({ type: z.string(), outputs: z.record(z.string(), z.unknown()).default({}) }))
        .nullish(),
    })
    .nullish(),
});
/** State of a collaborator or a token. An earlier version recorded no id, and null stands for an account that was not found. */
const ofOne = z.object({ login: z.string(), accountId: z.int().nullable().default(null) });
/** State of a list of the branch or of the tags that confirm. */
const ofMany = z.object({ accountIds: z.record(z.string(), z.int()).default({}) });

/**
 * @param exported the engine's state, as `pulumi stack export` writes it
 * @throws Refusal for what is not a state of the engine
 */
export function recordedAccounts(exported: unknown): RecordedAccounts {
  const { deployment } = inForm(stateForm, exported);
  const ids = new Map<string, readonly number[]>();
  for (const { type, outputs } of deployment?.resources ?? []) {
    for (const [login, id] of recordedIn(type, outputs)) {
      const key = folded(login);
      ids.set(key, [...new Set([...(ids.get(key) ?? []), id])]);
    }
  }
  return ids;
}

function recordedIn(type: string, outputs: object): readonly (readonly [string, number])[] {
  switch (type) {
    case "forgejo:index:Collaborator":
    case "forgejo:index:AccessToken": {
      const { login, accountId } = inForm(ofOne, outputs);
      return accountId === null ? [] : [[login, accountId]];
    }
    case "forgejo:index:BranchWriters":
    case "forgejo:index:TagProtection":
      return Object.entries(inForm(ofMany, outputs).accountIds);
    default:
      return [];
  }
}
