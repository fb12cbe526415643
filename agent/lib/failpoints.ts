/** Names every mutating step and ends the process before or after one of them where a test asks for it. */

import type { RemovalPoint } from "./removal-failpoints.ts";

/** The steps of root's process, then those of a person's worker. A change without a name here does not compile. */
export const ROOT_POINTS = [
  "base-packages",
  "base-file",
  "base-link",
  "base-managed-settings",
  "base-sudoers",
  "base-daemon-reload",
  "base-enable",
  "base-sshd-reload",
  "maps-file",
  "maps-filter-file",
  "maps-filter-apply",
  "rename-linger",
  "rename-ledger",
  "rename-home",
  "rename-login",
  "rename-files",
  "account-ledger",
  "account-create",
  "account-home",
  "account-home-mode",
  "account-lock",
  "account-ageing",
  "account-groups",
  "account-linger",
  "cut-record",
  "cut-lock",
  "cut-expire",
  "cut-group",
  "cut-linger",
  "cut-cron",
  "cut-at",
  "cut-credentials",
  "cut-end",
  "return-unlock",
  "return-expire",
  "return-group",
  "return-cron",
  "return-at",
  "return-forget",
  "park-record",
  "park-return",
  "units-ledger",
  "units-environment",
  "units-limits",
  "units-daemon-reload",
  "units-start",
  "units-stop",
] as const;

export const WORKER_POINTS = [
  "sweep",
  "rename-conversations",
  "code-make",
  "migrate-conversations",
  "migrate-set-aside",
  "migrate-make-code",
  "migrate-put-back",
  "migrate-worktrees",
  "infra-clone",
  "repo-hoist",
  "repo-clone",
  "locked-filter",
  "remote-add",
  "remote-track",
  "fast-forward",
  "git-identity",
  "git-credentials-mode",
  "git-credentials",
  "vault-access",
  "kube-directory",
  "kubeconfig",
  "launcher",
  "codex-mirror",
] as const;

export type Point = (typeof ROOT_POINTS)[number] | (typeof WORKER_POINTS)[number];
export type Moment = "before" | "after";

interface Failpoint {
  readonly point: string;
  readonly moment: string;
  readonly how: string;
  /** Absent: whoever it is about. */
  readonly who: string | undefined;
}

let armed: readonly Failpoint[] = [];
let subject: string | undefined;

/**
 * Arms failpoints, `<name>:before|after[:exit|kill|hang][@<person>]`, separated by commas. Only the caller knows whether
 * that is allowed here.
 */
export function arm(failpoints: string | undefined): void {
  armed = readFailpoints(failpoints);
}

/** Whose steps are being done from now on. */
export function setSubject(osUser: string): void {
  subject = osUser;
}

/** Whether a worker of this person is to die, so that it has to be started. */
export function wantsWorker(failpoints: string | undefined, osUser: string): boolean {
  return readFailpoints(failpoints).some(
    ({ point, who }) => (WORKER_POINTS as readonly string[]).includes(point) && (who ?? osUser) === osUser,
  );
}

function readFailpoints(text: string | undefined): readonly Failpoint[] {
  if (text === undefined || text === "") return [];
  return text.split(",").map((one) => {
    const [what = "", who] = one.split("@");
    const [point = "", moment = "", how = "kill"] = what.split(":");
    return { point, moment, how, who };
  });
}

/** Dies here when a test has asked for it: `kill` (the default) like a lost machine, `exit` orderly, `hang` never. */
export function hit(point: Point | RemovalPoint, moment: Moment): void {
  const mine = (one: Failpoint) => one.point === point && one.moment === moment && (one.who ?? subject) === subject;
  for (const { how } of armed.filter(mine)) {
    if (how === "exit") process.exit(70);
    if (how === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    process.kill(process.pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  }
}
