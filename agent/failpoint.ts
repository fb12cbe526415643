/** Every mutating step by name, so that a test can kill the program before and after each of them. */

import type { RemovalPoint } from "./removal/points.ts";

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
  "rename-ledger",
  "rename-home",
  "rename-login",
  "rename-files",
  "account-ledger",
  "account-create",
  "account-home",
  "account-home-mode",
  "account-lock",
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
  "kube-directory",
  "kubeconfig",
  "launcher",
  "codex-mirror",
] as const;

export type Point = (typeof ROOT_POINTS)[number] | (typeof WORKER_POINTS)[number];
export type Moment = "before" | "after";

let armed: string | undefined;

/** Arms one failpoint, `<name>:before|after[:exit|kill|hang]`. Only the caller knows whether that is allowed here. */
export function arm(failpoint: string | undefined): void {
  armed = failpoint;
}

/** Dies here when a test has asked for it: `kill` (the default) like a lost machine, `exit` orderly, `hang` never. */
export function hit(point: Point | RemovalPoint, moment: Moment): void {
  if (armed === undefined) return;
  const [name, when, how = "kill"] = armed.split(":");
  if (name !== point || when !== moment) return;
  if (how === "exit") process.exit(70);
  if (how === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
}
