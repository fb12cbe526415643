/**
 * Implements `workstation apply credentials <name>`: delivers a person's tokens for the forge and for Vault into their home.
 * Until then they are kept in memory-backed `/run`, readable by root alone; afterwards only in the person's files.
 */

import { type CredentialsPart, credentialsPart } from "../../contract.ts";
import { Refusal, messageOf } from "../../lib/errors.ts";
import { info, warn } from "../../lib/log.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { recordFailure } from "../state/failures.ts";
import { PENDING_CREDENTIALS, pendingCredentialsFile } from "../state/pending-credentials.ts";
import { callWorker } from "./call-worker.ts";

/** Two small files; only somebody who stops their own worker needs longer. */
const DEADLINE_MS = 10_000;

/** Stores the credentials and tries to deliver them. A failure is recorded as that person's, and `settle` retries it and names them. */
export async function applyCredentials(
  m: Machine,
  part: CredentialsPart,
  failpoint: string | undefined,
): Promise<number> {
  m.sys.makeDirectory("/run/workstation", 0o755);
  m.sys.makeDirectory(PENDING_CREDENTIALS, 0o700);
  m.sys.replaceFile(pendingCredentialsFile(part.osUser), { bytes: JSON.stringify(part), mode: 0o600 });
  const changed = await deliverPendingCredentials(m, part.osUser, failpoint);
  if (changed === 0) info(`${part.osUser}: nothing to change`);
  return 0;
}

/** Everybody whose credentials have not arrived yet. */
export const usersWithPendingCredentials = (m: Machine): readonly string[] =>
  (m.sys.list(PENDING_CREDENTIALS) ?? []).flatMap((file) => /^([a-z_][a-z0-9_-]*)\.json$/.exec(file)?.[1] ?? []).sort();

/** Never throws. @returns how many things were changed; undefined when it failed */
export async function deliverPendingCredentials(
  m: Machine,
  osUser: string,
  failpoint: string | undefined,
): Promise<number | undefined> {
  try {
    const changed = await deliver(m, osUser, failpoint);
    m.sys.remove(pendingCredentialsFile(osUser));
    recordFailure(m.sys, osUser, "credentials", undefined);
    return changed;
  } catch (error) {
    recordFailure(m.sys, osUser, "credentials", messageOf(error));
    warn(`${osUser}: credentials: ${messageOf(error)}`);
    return undefined;
  }
}

async function deliver(m: Machine, osUser: string, failpoint: string | undefined): Promise<number> {
  const bytes = m.sys.read(pendingCredentialsFile(osUser));
  if (bytes === undefined)
    throw new Refusal("the pending credentials were lost, since the host rebooted; issue the token again");
  const parsed = credentialsPart.safeParse(parseJson(bytes.toString("utf8"), "the pending credentials"));
  if (!parsed.success || parsed.data.osUser !== osUser)
    throw new Refusal("the pending credentials are damaged; deliver them again");
  const part = parsed.data;
  const user = m.accounts().users.get(osUser);
  if (user === undefined) throw new Refusal("they have no account on this host; see the failure of the account part");
  if (user.uid !== part.uid)
    throw new Refusal(`the account has uid ${user.uid} on this host, but ${part.uid} was delivered`);
  const lines = await callWorker(m.sys, { user, part, mode: "apply", deadlineMs: DEADLINE_MS, failpoint });
  const failed = lines.flatMap((line) => (line.kind === "failed" ? [`${line.step}: ${line.says}`] : []));
  for (const line of lines) if (line.kind === "changed") info(`${osUser}: ${line.says}`);
  if (failed.length > 0) throw new Refusal(failed.join("; "));
  return lines.filter(({ kind }) => kind === "changed").length;
}
