/** Runs git as the current user, without prompts, hooks, submodules or unexpected protocols, and with a deadline. */

import { statSync } from "node:fs";
import type { ClonesPart } from "../contract.ts";
import { kindOf, lstat } from "./files.ts";
import { type Ran, run } from "./exec.ts";
import { clean } from "./log.ts";
import { gitEnvironment, urlsOf } from "./git-environment.ts";
import { withoutArguments, withoutCommands } from "./redact-commands.ts";

export interface GitOptions {
  /** The clone to work in; absent for `clone` and the person's own configuration. */
  readonly in?: string;
  readonly timeoutMs?: number;
  /** It waits for a remote, so it is ended when the run cannot wait any longer. */
  readonly remote?: boolean;
  /** An open file that git holds open as long as it lives, also when this process has ended. */
  readonly holds?: number;
  /** What git reads from its standard input. */
  readonly input?: string;
  /** Output with every byte as one character: paths and contents need not be UTF-8. */
  readonly bytes?: boolean;
  /** Output beyond it is dropped; 4 MiB unless told. */
  readonly capBytes?: number;
}

export interface Git {
  run(args: readonly string[], options?: GitOptions): Promise<Ran>;
  /** Whether a remote did not answer in the time that there was. */
  unfinished(): boolean;
}

/** What touches no network is done in milliseconds, or never. */
const READ_TIMEOUT_MS = 10_000;
const CAP_BYTES = 4 * 1024 * 1024;

/** Hygiene, not the defence: what a hostile clone starts all the same runs as its owner. */
const SETTINGS = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "submodule.recurse=false",
  // An update that fails puts the index back, which names the shared one that it was split from.
  "splitIndex.sharedIndexExpire=never",
  "protocol.ext.allow=never",
  "http.lowSpeedLimit=1000",
  "http.lowSpeedTime=20",
  "http.followRedirects=initial",
  "advice.detachedHead=false",
].flatMap((setting) => ["-c", setting]);

/** @param abortSoon from then on no remote is waited for */
export const gitFor = (
  home: string,
  part: Pick<ClonesPart, "osUser" | "infra" | "repos">,
  abortSoon?: AbortSignal,
): Git => gitIn(home, gitEnvironment(home, part.osUser, urlsOf(part)), abortSoon);

/** @param env all that git finds in its environment */
export function gitIn(home: string, env: Readonly<Record<string, string>>, abortSoon?: AbortSignal): Git {
  let stuck: string | undefined;
  let unfinished = false;
  return {
    unfinished: () => unfinished,
    run: async (args, options = {}) => {
      const argv = ["/usr/bin/git", ...SETTINGS, ...(options.in === undefined ? [] : ["-C", options.in]), ...args];
      stuck ??= notAFile(`${home}/.gitconfig`) ?? notAFile(`${home}/.config/git/config`);
      const blocked = stuck ?? (options.in === undefined ? undefined : notAFile(`${options.in}/.git/config`));
      if (blocked !== undefined) return refused(argv, blocked);
      const timeoutMs = options.timeoutMs ?? READ_TIMEOUT_MS;
      const abort = options.remote === true && abortSoon !== undefined ? { abort: abortSoon } : {};
      const encoding = options.bytes === true ? { encoding: "latin1" as const } : {};
      const holds = options.holds === undefined ? {} : { holds: options.holds };
      const input = options.input === undefined ? {} : { input: options.input };
      const capBytes = options.capBytes ?? CAP_BYTES;
      const ran = await run(argv, { env, timeoutMs, capBytes, ...abort, ...encoding, ...holds, ...input });
      if (options.remote === true && isLate(ran)) unfinished = true;
      // One wait is enough for a run: what hangs without a network hangs again.
      if (ran.timedOut && options.timeoutMs === undefined)
        stuck = "git did not answer before, so it is not asked again";
      const hasSaid = ran.code !== 0 && !ran.timedOut && ran.stderr.trim() !== "";
      if (!hasSaid || args[0] === "config") return ran;
      // A clone whose files could not be written has the settings that it was made with.
      const place = options.in ?? (args[0] === "clone" && isRepository(args.at(-1)) ? args.at(-1) : undefined);
      const list = ["/usr/bin/git", ...(place === undefined ? [] : ["-C", place]), "config", "--list", "--null"];
      const config = await run(list, { env, timeoutMs: READ_TIMEOUT_MS, capBytes: CAP_BYTES, ...encoding });
      return { ...ran, stderr: withoutCommands(ran.stderr, config.stdout) };
    },
  };
}

const isRepository = (path = ""): boolean => lstat(`${path}/.git`) !== undefined;

/** Ended by us, or by git's own limit on a remote that says nothing. */
const isLate = (ran: Ran): boolean => ran.timedOut || /operation too slow|timed out/i.test(ran.stderr);

/** A pipe in the place of a configuration file would hold every git command until its deadline. */
function notAFile(path: string): string | undefined {
  const there = statSync(path, { throwIfNoEntry: false });
  return there === undefined || there.isFile() ? undefined : `${path} is ${kindOf(there)}`;
}

const refused = (argv: readonly string[], why: string): Ran => ({
  argv,
  code: undefined,
  stdout: "",
  stderr: `fatal: ${why}`,
  timedOut: false,
  overflowed: false,
});

/** Why a git command did not do what it should, short and safe to print. */
export function describeGitFailure(ran: Ran): string {
  if (ran.timedOut) return "git did not answer in time";
  const reason = clean(tellingLines(ran.stderr).join("; ")).slice(0, 300);
  return reason || `git ended with ${ran.code ?? "a signal"}`;
}

/** The lines of git's standard error that tell why it failed, and of programs that it has started; all lines where there are none. */
export function tellingLines(stderr: string): readonly string[] {
  const lines = stderr.trim().split(/\r?\n/);
  const consequence = lines.findIndex((line) => CONSEQUENCE.test(line));
  const isCause = (at: number) => at < consequence && at >= consequence - MOST_CAUSES;
  const telling = lines.filter((line, at) => TELLING.test(line) || (isCause(at) && line.trim() !== ""));
  const first = [...new Set(telling.length > 0 ? telling : lines)].slice(0, MOST_TELLING).map(withoutArguments);
  // Of a filter's failure git tells twice, the first time with its exit code.
  return first.filter((line, at) => !first.some((one, other) => other < at && one.startsWith(line)));
}

/** Far more than fits into a reason; a remote may send any number. */
const MOST_TELLING = 50;

/** Git's own reasons, the shell's about a program that cannot be started, and the paths that git lists below a reason. */
const TELLING = /^(fatal|error|remote):|^ ! \[|: not found$|: Permission denied$|^git: '.*' is not a git command|^\t/;

/** A program that git has started has failed (ssh, a filter): the cause is what that program wrote before. */
const CONSEQUENCE =
  /^fatal: (the remote end hung up|could not read from remote|protocol error)|^error: (external filter|packet write) /i;
const MOST_CAUSES = 3;
