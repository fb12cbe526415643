/**
 * Describes why a git command that writes or compares files failed, with the filter that failed: of one that runs as long
 * as git itself (`filter.*.process`), git says no more than that a connection has ended.
 */

import type { Ran } from "../../lib/exec.ts";
import { describeGitFailure, tellingLines } from "../../lib/git.ts";
import { clean } from "../../lib/log.ts";
import { programOf } from "../../lib/redact-commands.ts";
import { readGitConfig } from "../home/git-config.ts";
import type { CloneContext } from "../home/step-context.ts";
import { type BytePath, readable } from "./changed-files.ts";

/** Git and the filter have not understood each other, or git was about to read or to write when the filter had ended. */
const IS_CONVERSATION =
  /^(fatal: the remote end hung up unexpectedly|fatal: protocol error: .*|error: initialization for subprocess .*)$/m;
const SAYS_NOTHING =
  /^(fatal: the remote end hung up unexpectedly|error: (packet write|could not write|initialization for subprocess) .*)$/i;

/**
 * Git's reason, with the filter's name and program where a long-running filter is behind it.
 *
 * @param paths those that git was about to write or compare; all that it tracks unless told
 */
export async function describeFilterFailure(
  context: CloneContext,
  clone: string,
  ran: Ran,
  paths?: readonly BytePath[],
): Promise<string> {
  // A partial clone fetches from a remote what it does not have yet.
  if (ran.timedOut || !IS_CONVERSATION.test(ran.stderr) || /promisor remote/.test(ran.stderr))
    return describeGitFailure(ran);
  const filters = await longRunningFilters(context, clone, paths);
  if (filters.length === 0) return describeGitFailure(ran);
  const said = tellingLines(ran.stderr).filter((line) => !SAYS_NOTHING.test(line));
  const why = clean(said.join("; ")).slice(0, 300) || "it ended without a message";
  return `the filter ${filters.map(clean).join(" or ")} failed: ${why}`;
}

/** Those that the paths pass; all that are configured where the update itself brings the attributes. */
async function longRunningFilters(
  context: CloneContext,
  clone: string,
  paths: readonly BytePath[] | undefined,
): Promise<readonly string[]> {
  const config = await readGitConfig(context, clone);
  const configured = config.keys.flatMap((key) => /^filter\.(.+)\.process$/s.exec(key)?.[1] ?? []);
  const input =
    paths?.map((path) => `${readable(path)}\0`).join("") ??
    (await context.git.run(["ls-files", "-z"], { in: clone })).stdout;
  const attributes = await context.git.run(["check-attr", "-z", "--stdin", "filter"], { in: clone, input });
  // `path`, `filter` and the value, one after the other.
  const values = new Set(attributes.stdout.split("\0").filter((_, at) => at % 3 === 2));
  const used = configured.filter((name) => values.has(name));
  const bringsAttributes = paths?.some((path) => /(^|\/)\.gitattributes$/.test(readable(path))) === true;
  const named = used.length > 0 && !bringsAttributes ? used : configured;
  return named.map((name) => {
    const program = programOf(config.get(`filter.${name}.process`) ?? "");
    return program === undefined ? name : `${name} (${program})`;
  });
}
