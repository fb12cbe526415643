/** Collects the report of one host on itself, and the changes that its next reconcile would make. */

import { z } from "zod";
import type { OsUser } from "../../roster/model.ts";
import type { HostAnswer, HostCommand } from "../../clients/ssh/run-command.ts";
import type { HostCheck } from "../../agent/shared/host-check.ts";
import { readHostCheck } from "../read-host-check.ts";
import type { Finding, Owner } from "./finding.ts";
import { parseJson } from "../../clients/parse-json.ts";
import type { DeployedResource } from "../stack/deployed-resources.ts";
import type { Register } from "./resource-owner.ts";

export interface HostFindings {
  readonly findings: readonly Finding[];
  /** ISO 8601; absent where nothing was ever delivered, or it could not be asked. */
  readonly deliveredAt: string | undefined;
  readonly notices: readonly string[];
}

/** Runs one command on the host. @throws Error when it could not be reached */
export type QueryHost = (command: HostCommand) => Promise<HostAnswer>;

const PROGRAM = "/usr/local/sbin/workstation";
/** A run that holds the host's lock may take minutes; the board does not wait for it. */
const LOCK_WAIT_SECONDS = 5;
const STATUS_LIMIT_MS = 30_000;
const CHECK_LIMIT_MS = 120_000;
/** The lock is held by somebody else. */
const BUSY = 75;

/**
 * @param host its name
 * @param made every resource of the last deployments; those of this host tell who is expected on it
 */
export async function hostFindings(
  host: string,
  ask: QueryHost,
  made: readonly DeployedResource[],
  register: Register,
): Promise<HostFindings> {
  const expected = residentsOf(host, made, register);
  const finding = (owner: Owner, state: Finding["state"], what: string): Finding => {
    return { whose: owner, surface: "host", state, what: `${host}: ${what}` };
  };
  const unread = (why: string): HostFindings => ({
    deliveredAt: undefined,
    notices: [],
    findings: ["everybody" as const, ...expected].map((whose) => finding(whose, "unknown", why)),
  });
  const [status, check] = await Promise.allSettled([
    ask({ argv: [PROGRAM, "status", "--json"], timeoutMs: STATUS_LIMIT_MS }),
    ask({
      argv: ["/usr/bin/env", `WORKSTATION_LOCK_WAIT_S=${LOCK_WAIT_SECONDS}`, PROGRAM, "reconcile", "--check", "--json"],
      timeoutMs: CHECK_LIMIT_MS,
    }),
  ]);
  if (status.status === "rejected") return unread(withoutName(host, (status.reason as Error).message));
  // Exit code 1 is an answer, too: something is wrong, and the answer says what.
  if (status.value.code !== 0 && status.value.code !== 1) return unread(silent(status.value));
  const parsed = statusForm.safeParse(parseJson(status.value.stdout));
  if (!parsed.success && status.value.code === 1) return unread(silent(status.value));
  if (!parsed.success) return unread("the agent's answer is not of the expected form");
  const { people, hold, delivered, problems, failures: hostFailures } = parsed.data;
  const listed = new Set(people.map(({ osUser }) => osUser));
  const missing = expected.filter(({ person }) => !listed.has(person));
  const failures = [
    ...hostFailures.map((why) => finding("everybody", "failed", why)),
    ...people.flatMap(({ osUser, failures: of }) =>
      Object.entries(of).map(([kind, why]) => finding({ person: osUser as OsUser }, "failed", `${kind}: ${why}`)),
    ),
  ];
  const wrong = [
    ...problems.map((what) => finding("everybody", "failed", what)),
    ...people.flatMap((of) => of.problems.map((what) => finding({ person: of.osUser as OsUser }, "failed", what))),
  ];
  return {
    deliveredAt: delivered,
    notices:
      hold === undefined ? [] : [`${host} is on hold: hourly reconcile is suspended${hold === "" ? "" : `: ${hold}`}`],
    findings: [
      ...failures,
      ...wrong,
      ...missing.map((whose) => finding(whose, "changed", "the host does not know them")),
      ...checked(
        check,
        expected,
        register,
        finding,
        new Set([...failures, ...wrong].map(({ whose, what }) => JSON.stringify([whose, what]))),
      ),
    ],
  };
}

const statusForm = z.object({
  delivered: z.iso.datetime().optional(),
  hold: z.string().optional(),
  // An agent of an earlier delivery records no failures of the host, and does not look for problems.
  failures: z.array(z.string()).default([]),
  problems: z.array(z.string()).default([]),
  people: z.array(
    z.object({
      osUser: z.string(),
      failures: z.record(z.string(), z.string()),
      problems: z.array(z.string()).default([]),
    }),
  ),
});

/** What the host's own look at itself says, in its own sentences. Its warnings are on the person's page, and no drift. */
function checked(
  check: PromiseSettledResult<HostAnswer>,
  expected: readonly Owner[],
  register: Register,
  finding: (owner: Owner, state: Finding["state"], what: string) => Finding,
  reported: ReadonlySet<string>,
): readonly Finding[] {
  const nobodyKnows = (why: string) =>
    ["everybody" as const, ...expected].map((owner) => finding(owner, "unknown", why));
  if (check.status === "rejected") return nobodyKnows((check.reason as Error).message);
  const { code, stdout } = check.value;
  if (code === BUSY) return nobodyKnows("another run is at work on it, so it could not be looked at");
  const seen = code === 0 ? readHostCheck(stdout) : undefined;
  if (seen === undefined) return nobodyKnows(`the agent cannot look at itself: ${lastLine(check.value)}`);
  const owner = (name: string): Owner => (register.isSomebody(name) ? { person: name as OsUser } : "everybody");
  const findings = (entries: HostCheck["changes"], state: Finding["state"]) =>
    entries.map(({ who, what }) => finding(owner(who), state, what));
  return [
    ...findings(seen.changes, "changed"),
    ...findings(seen.due, "pending"),
    ...findings(seen.failures, "failed").filter(({ whose: who, what }) => !reported.has(JSON.stringify([who, what]))),
  ];
}

/** Whom the last deployments put on this host, present or cut off there. */
function residentsOf(host: string, made: readonly DeployedResource[], register: Register) {
  const names = made.flatMap(({ type, name, inputs }) => {
    const owner = type.startsWith("command:") ? register.of(type, inputs) : "everybody";
    return typeof owner !== "string" && name.startsWith(`${owner.person}@${host}-`) ? [owner.person] : [];
  });
  return [...new Set(names)].map((person) => ({ person }));
}

const withoutName = (host: string, message: string) =>
  message.startsWith(`${host}: `) ? message.slice(host.length + 2) : message;

const silent = (answer: HostAnswer): string => `the agent does not say what is there: ${lastLine(answer)}`;

const lastLine = ({ stdout, stderr, code }: HostAnswer): string =>
  stderr.trim().split("\n").at(-1) || stdout.trim().split("\n").at(-1) || `exit code ${String(code)}`;
