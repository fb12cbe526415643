/** Probes one host for users who should have no access there, and judges its answer. */

import { z } from "zod";
import { TIER_GROUPS } from "../../roster/tiers.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Host, HostUnreached, onHost } from "../../clients/ssh/run-command.ts";
import { revoked, type Finding, needsAction, type OffboardedUser, notProbed } from "./model.ts";
import { judgeResidualAccess, residualAccess } from "./host-residual-access.ts";

/** What `workstation probe` answers; `null` is what it could not ask (agent/root/commands/probe-access.ts). */
const person = z.object({
  osUser: z.string(),
  account: z
    .object({
      locked: z.boolean(),
      expired: z.boolean(),
      loginRefused: z.boolean().nullable(),
      groups: z.array(z.string()),
      sudo: z.boolean().nullable(),
      processes: z.int(),
      ...residualAccess.shape,
      linger: z.boolean(),
      crontab: z.boolean(),
      atJobs: z.int(),
    })
    .nullable(),
  units: z.record(z.string(), z.object({ active: z.string(), file: z.string() })),
  maps: z.object({
    terminal: z.boolean().nullable(),
    dispatch: z.boolean().nullable(),
    admins: z.boolean().nullable(),
  }),
  gate: z.int().nullable(),
  waitingCredentials: z.boolean(),
});
const answer = z.object({ people: z.array(person) });

/** It searches its file systems, for a minute at most. */
const ANSWER_MS = 150_000;

export type HostProbe = z.output<typeof person>;

/** Asks once for all of them. @returns by OS user; everybody the same `unknown` where the host could not be asked */
export async function probeHost(
  settings: StackSettings,
  host: Host,
  leavers: readonly OffboardedUser[],
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const everybody = (says: string) => new Map(leavers.map(({ osUser }) => [osUser, [notProbed("host", says)]]));
  try {
    const words = leavers.map(({ osUser, authentikUser }) => `${osUser}=${authentikUser}`);
    const { code, stdout, stderr } = await onHost(settings, host, {
      argv: ["workstation", "probe", ...words],
      timeoutMs: ANSWER_MS,
    });
    if (code !== 0)
      return everybody(`it could not say (exit code ${code}): ${stderr.trim().split("\n").at(-1) ?? "nothing said"}`);
    const parsed = answer.safeParse(JSON.parse(stdout));
    if (!parsed.success)
      return everybody("its answer is not of the expected form; run a deployment to update its agent");
    const gate = settings.devvm.gate !== undefined;
    const holders = new Map(
      leavers.map(({ osUser, loginHolder }) => [
        osUser,
        loginHolder?.host === host.name ? loginHolder.osUser : undefined,
      ]),
    );
    const findings = new Map(
      parsed.data.people.map((one) => [one.osUser, judgeHost(one, gate, holders.get(one.osUser))]),
    );
    return new Map(
      leavers.map(({ osUser }) => [
        osUser,
        findings.get(osUser) ?? [notProbed("host", "its answer does not mention the user")],
      ]),
    );
  } catch (cause) {
    if (cause instanceof HostUnreached)
      return everybody(
        `${cause.message}; their access there is revoked by the next deployment that reaches it, or by its own hourly run`,
      );
    if (cause instanceof SyntaxError) return everybody("its answer is not JSON; run a deployment to install its agent");
    throw cause;
  }
}

const DEPLOY =
  "the host's hourly run removes it; if it stays, run `workstation reconcile` on the host and read what it says";

/**
 * Pure.
 * @param hasGate whether this stack's own gate stands before the code servers
 * @param loginHolder who has their login on this host today: the gate's answer is the holder's
 */
export function judgeHost(seen: HostProbe, hasGate: boolean, loginHolder?: string): readonly Finding[] {
  const waiting = needsAction("login", "a token for the forge waits there to reach their home", DEPLOY);
  return [
    ...maps(seen),
    ...(hasGate ? [gate(seen, loginHolder)] : []),
    ...(seen.account === null ? [revoked("login", "no account of theirs is there")] : account(seen.account)),
    ...(seen.waitingCredentials ? [waiting] : []),
    units(seen),
  ];
}

function maps({ maps: seen }: HostProbe): readonly Finding[] {
  const names = { terminal: "the terminal map", dispatch: "the dispatch table", admins: "the admin list" } as const;
  const kinds = ["terminal", "dispatch", "admins"] as const;
  const are = (value: boolean | null) => kinds.filter((kind) => seen[kind] === value).map((kind) => names[kind]);
  const [present, unread] = [are(true), are(null)];
  return [
    ...(present.length > 0 ? [needsAction("maps", `they still stand in ${present.join(" and ")}`, DEPLOY)] : []),
    ...(unread.length > 0 ? [notProbed("maps", `${unread.join(" and ")} cannot be read`)] : []),
    ...(present.length + unread.length === 0 ? [revoked("maps", "they stand in none of the maps")] : []),
  ];
}

function gate({ gate: status }: HostProbe, loginHolder: string | undefined): Finding {
  if (loginHolder !== undefined)
    return revoked("gate", `their login is ${loginHolder}'s today, and the code server that it opens is theirs`);
  if (status === null) return notProbed("gate", "the code-server proxy did not answer");
  if (status === 403) return revoked("gate", "the code-server proxy answers 403 for their login");
  return needsAction("gate", `the code-server proxy answers ${status} for their login, not 403`, DEPLOY);
}

function account(seen: NonNullable<HostProbe["account"]>): readonly Finding[] {
  return [login(seen), groups(seen), processes(seen), ...judgeResidualAccess(seen)];
}

function login({ locked, expired, loginRefused }: NonNullable<HostProbe["account"]>): Finding {
  if (loginRefused === null) return notProbed("login", "the system did not say whether it refuses a login of theirs");
  if (loginRefused && locked && expired)
    return revoked("login", "password locked, account expired: the system refuses every login, whatever key they have");
  const open = [
    ...(locked ? [] : ["the password is not locked"]),
    ...(expired ? [] : ["the account has not expired"]),
    ...(loginRefused ? [] : ["the system accepts a login"]),
  ];
  return needsAction("login", open.join(", "), DEPLOY);
}

function groups({ groups: seen, sudo }: NonNullable<HostProbe["account"]>): Finding {
  const rights = seen.filter((group) => TIER_GROUPS.includes(group));
  if (rights.length > 0) return needsAction("groups", `still in ${rights.join(", ")}`, DEPLOY);
  if (sudo === true)
    return needsAction("groups", "sudo still lets them run commands", "look at `sudo -l -U` and /etc/sudoers.d");
  if (sudo === null) return notProbed("groups", "sudo did not say what they may do");
  const others = seen.length === 0 ? "" : `; others that an admin gave stay: ${seen.join(", ")}`;
  return revoked("groups", `in no group of a tier, and sudo lets them do nothing${others}`);
}

function processes({ processes: count, linger, crontab, atJobs }: NonNullable<HostProbe["account"]>): Finding {
  const left = [
    ...(count > 0 ? [`${count} processes of theirs run`] : []),
    ...(linger ? ["they linger"] : []),
    ...(crontab ? ["their crontab is in place"] : []),
    ...(atJobs > 0 ? [`${atJobs} at jobs wait`] : []),
  ];
  if (left.length > 0) return needsAction("processes", left.join(", "), DEPLOY);
  return revoked("processes", "nothing of theirs runs, and nothing starts again: no linger, no crontab, no at job");
}

function units({ units: seen }: HostProbe): Finding {
  const on = Object.entries(seen).filter(
    ([, { active, file }]) => !["inactive", "failed"].includes(active) || file === "enabled",
  );
  if (on.length === 0) return revoked("units", "stopped and disabled");
  return needsAction("units", on.map(([name, { active, file }]) => `${name} is ${active}, ${file}`).join("; "), DEPLOY);
}
