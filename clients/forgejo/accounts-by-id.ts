/** Finds a forge account that its owner may have renamed: by its login, by the forge's redirect, and by its id. */

import { z } from "zod";
import { type Forge, ForgeError, type ForgeRequest } from "./client.ts";
import { user } from "./schemas.ts";

export interface Account {
  /** Never changes, and the forge never assigns it to another account. */
  readonly id: number;
  /** The present login. */
  readonly login: string;
}

const account = user.extend({ id: z.int() });
const found = z.object({ ok: z.boolean(), data: z.array(account) });

/**
 * The account that is, or was, called `login`. A redirect is not an absence: the forge answers an old name with one, for
 * as long as nobody else takes that name. Where the id is known, only the account of that id counts.
 *
 * @returns undefined where the forge has no such account any more
 * @throws ForgeError for every answer from which nothing can be concluded
 */
export async function findAccount(
  forge: Forge,
  login: string,
  knownId: number | undefined,
  signal: AbortSignal,
): Promise<Account | undefined> {
  const named = await byLogin(forge, login, signal);
  const present = typeof named === "string" ? await byLogin(forge, named, signal) : named;
  if (typeof present === "string") throw unclear(login, `it points from "${named}" on to "${present}"`);
  if (knownId === undefined || present?.id === knownId) return present;
  // Somebody else has the name now, or nobody: the account itself is found by its id.
  return byId(forge, knownId, signal);
}

/** Reports that an account has another login now, and what to write in the roster. */
export const renamedTo = (login: string, { id, login: now }: Account): string =>
  `the forge account "${login}" was renamed to "${now}" by its owner (id ${id}); write login: ${now} and previously: {forgejo_login: ${login}} in its row`;

/** Forges compare logins without regard to case. */
export const hasLogin = ({ login: now }: Account, login: string): boolean => now.toLowerCase() === login.toLowerCase();

/** The account, the name that the forge points to, or undefined where it knows none. */
async function byLogin(forge: Forge, login: string, signal: AbortSignal): Promise<Account | string | undefined> {
  const forgeRequest: ForgeRequest = {
    method: "GET",
    path: ["users", login],
    purpose: `see whether the account "${login}" exists`,
  };
  try {
    return await forge.find(forgeRequest, account, signal);
  } catch (cause) {
    if (!(cause instanceof ForgeError) || cause.movedTo === undefined) throw cause;
    const [first, name, ...rest] = cause.movedTo;
    if (first !== "users" || name === undefined || rest.length > 0)
      throw unclear(login, `it points to /${cause.movedTo.join("/")}`, cause);
    return name;
  }
}

async function byId(forge: Forge, id: number, signal: AbortSignal): Promise<Account | undefined> {
  const forgeRequest: ForgeRequest = {
    method: "GET",
    path: ["users", "search"],
    query: { uid: String(id) },
    purpose: `find the account of id ${id}`,
  };
  const { ok, data } = await forge.ask(forgeRequest, found, signal);
  if (!ok) throw new ForgeError(`cannot find the account of id ${id}: the forge did not carry out the search`);
  return data.find((one) => one.id === id);
}

const unclear = (login: string, what: string, cause?: unknown): ForgeError =>
  new ForgeError(
    `cannot see whether the account "${login}" exists: ${what}, so nothing is concluded from it`,
    undefined,
    cause,
  );
