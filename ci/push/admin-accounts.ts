/**
 * Compares the accounts of the forge's record with those of the admins by their ids, which the engine's state holds. An
 * account keeps its id when its owner renames it; another account that takes the former login has another id.
 */

import { z } from "zod";
import { renamedTo } from "../../clients/forgejo/accounts-by-id.ts";
import { inForm } from "../../cli/stack/deployed-resources.ts";
import { folded } from "../../roster/text/code-unit-order.ts";

/** An admin of the deployed roster as the forge knows them. */
export interface AdminAccount {
  /** As the deployed roster has it. */
  readonly login: string;
  /** Undefined where no deployment recorded it: the login alone decides there. */
  readonly id: number | undefined;
}

const stateForm = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          type: z.string(),
          delete: z.boolean().default(false),
          outputs: z.record(z.string(), z.unknown()).default({}),
        }),
      )
      .nullish(),
  }),
});
/** State of the forge's rule for the tags that confirm, whose list holds exactly the admins; an earlier version recorded no ids. */
const rule = z.object({ pushers: z.array(z.string()), accountIds: z.record(z.string(), z.int()).default({}) });

const RULE_TYPE = "forgejo:index:TagProtection";

/**
 * Finds the admins' ids in what the deployments so far have recorded. An admin who is neither recorded nor on the rule's
 * list was taken off it by a later deployment that failed midway, and is left out: their login may be anybody's now.
 * @param logins the admins of the deployed roster
 * @param exported the engine's state, as `pulumi stack export` writes it
 * @param managesForge whether the deployed stack file has the forge's section: every deployment of it that succeeded has
 * put the rule into the state, so a state without it was edited, and identifies nobody
 * @returns every login without an id where the stack does not manage the forge and has no such rule
 * @throws Refusal for what is not a state of the engine
 */
export function adminAccounts(
  logins: readonly string[],
  exported: unknown,
  managesForge: boolean,
): readonly AdminAccount[] {
  const resources = inForm(stateForm, exported).deployment.resources ?? [];
  const found = resources.find(({ type, delete: isGoing }) => type === RULE_TYPE && !isGoing);
  if (found === undefined) return managesForge ? [] : logins.map((login) => ({ login, id: undefined }));
  const { pushers, accountIds } = inForm(rule, found.outputs);
  const ids = new Map(Object.entries(accountIds).map(([login, id]) => [folded(login), id]));
  const listed = new Set(pushers.map(folded));
  return logins.flatMap((login) => {
    const id = ids.get(folded(login));
    return id !== undefined || listed.has(folded(login)) ? [{ login, id }] : [];
  });
}

/** An account as an entry of the forge's record names it: the login of today, and the id. */
export interface RecordedAccount {
  readonly login: string;
  readonly id?: number | undefined;
}

export interface Identity {
  /** The login; undefined where the account has an admin's login and is not known to be the admin's. */
  readonly login: string | undefined;
  /** How messages name an account that identifies nobody. */
  readonly account?: string;
  /** What an operator has to know of the account, and do about it. */
  readonly notice?: string;
}

/** Only the recorded account with the login of the deployed roster is the admin's; a renamed one waits for the roster. */
export function identify({ login, id }: RecordedAccount, admins: readonly AdminAccount[]): Identity {
  const admin = admins.find((one) => folded(one.login) === folded(login));
  if (admin?.id !== undefined && admin.id !== id) {
    const which = id === undefined ? "without an id" : `of id ${id}`;
    return {
      login: undefined,
      account: `an account ${which} that has the login ${login} now`,
      notice:
        `the admin's forge account "${admin.login}" has id ${admin.id}, and an account ${which} has that login now; write the ` +
        `admin's present login and previously: {forgejo_login: ${admin.login}} in their row`,
    };
  }
  const renamed = admin === undefined && id !== undefined ? admins.find((one) => one.id === id) : undefined;
  if (renamed === undefined || id === undefined) return { login };
  return {
    login,
    notice: `${renamedTo(renamed.login, { id, login })}; until that is deployed, by hand or with another admin's confirmation, it counts as no admin's`,
  };
}
