/**
 * Implements the step `preview`: runs the deployed commit's program on the base branch's and on the pull request's data, with credentials
 * that can only read, on a copy of a state that holds no secret.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PROJECT } from "../../cli/pulumi.ts";
import { mustPulumi, type StackAt, tail } from "../engine.ts";
import { requiredVariable, StepError } from "../environment.ts";
import { clean, logError, log } from "../log.ts";
import { planPeople } from "../people-plan.ts";
import { runPreview } from "../run-preview.ts";
import { openPreviewBackend, previewBackendEnv, withScratch } from "../snapshot/preview-backend.ts";
import { extractPublication } from "../snapshot/publication.ts";
import { openStackFile } from "../stack-file.ts";
import { BranchFault, type Data, readBranches } from "./branch-data.ts";
import { differencesBetween, type Preview } from "./preview-differences.ts";
import { writeConfig } from "./preview-config.ts";
import { emptyReport, type Report } from "./preview-report.ts";

/**
 * @returns 1 where the preview itself failed. A pull request that could not be deployed as it is has a report that says so:
 * whoever made it is told, and not the admins
 */
export async function preview(): Promise<number> {
  let hasFailed = false;
  const report = await reportOf().catch((cause: unknown): Report => {
    if (!(cause instanceof StepError)) throw cause;
    hasFailed = !(cause instanceof BranchFault);
    return { ...emptyReport(requiredVariable("CI_COMMIT_SHA")), problems: cause.message.split("\n") };
  });
  await writeFile(requiredVariable("WS_REPORT"), JSON.stringify(report, shown, 1), { mode: 0o600 });
  for (const line of logLines(report)) log(line);
  for (const line of [...report.problems, ...report.brakes]) logError(line);
  return hasFailed ? 1 : 0;
}

/** All that the comment may have no room for. */
const logLines = ({ raised, plan, warnings, unread, undeployed }: Report): readonly string[] => [
  ...raised.map((line) => `rights rise: ${line}`),
  ...plan,
  ...warnings,
  ...unread.map((file) => `not in this preview: ${file}`),
  ...undeployed.map((file) => `on the base branch and not deployed: ${file}`),
];

/** Every text of the report as it may be shown. */
const shown = (_key: string, value: unknown): unknown => (typeof value === "string" ? clean(value) : value);

async function reportOf(): Promise<Report> {
  const stack = requiredVariable("WS_STACK");
  const document = await openStackFile(PROJECT, stack);
  return withScratch(async (scratch) => {
    const backend = { stack, folder: scratch, env: previewBackendEnv() };
    const { publication, state } = extractPublication(await mustPulumi(backend, ["stack", "export"]));
    const { commit, base, merged, unread, undeployed } = await readBranches(PROJECT, document, publication.commit);
    // A copy of its own: whatever a preview does there is gone with it.
    await mkdir(join(scratch, "state"));
    const env = previewBackendEnv(`file://${join(scratch, "state")}`);
    const copy: StackAt = { stack, folder: scratch, env };
    await openPreviewBackend(copy);
    await mustPulumi(copy, ["stack", "import"], { input: state });
    const at = async (name: string, data: Data): Promise<Required<StackAt>> => {
      const folder = join(scratch, name);
      await mkdir(folder);
      const configFile = await writeConfig({ stack, folder, env, data, userMap: publication.userMap });
      return { stack, folder: PROJECT, env, configFile };
    };
    const [was, would] = [await at("base", base), await at("merged", merged)];
    const decided = await planOf(would);
    const { userMap, ...deployed } = publication;
    const report: Report = {
      ...emptyReport(commit),
      ...decided,
      deployed: { ...deployed, hasUserMap: userMap !== undefined },
      ...{ unread: [...unread], undeployed: [...undeployed] },
    };
    // A plan that cannot be made for the base branch either says nothing of this branch.
    if (decided.problems.length > 0 && (await planOf(was)).problems.length > 0)
      throw new StepError(decided.problems.join("\n"));
    if (decided.problems.length + decided.brakes.length > 0) return report;
    const { change, before } = differencesBetween(await previewed(was), await previewed(would));
    return { ...report, change: [...change], before: [...before] };
  });
}

/** A message with the paths of the repository in place of where their copies lie. */
const inRepository = (message: string, { configFile }: Required<StackAt>): string =>
  message.replaceAll(`${dirname(configFile)}/`, "");

type Decided = Pick<Report, "problems" | "plan" | "brakes" | "raised" | "warnings">;

/** The program's own decision, in people's words. */
async function planOf(at: Required<StackAt>): Promise<Decided> {
  const found = await planPeople(at);
  const none = { problems: [], plan: [], brakes: [], raised: [], warnings: [] };
  if ("message" in found) return { ...none, problems: inRepository(found.message, at).split("\n") };
  return {
    problems: [],
    plan: found.plan,
    brakes: found.brakes.map(({ message }) => message),
    raised: found.raised.map(({ who, what }) => `${who}: ${what.join(", ")}`),
    warnings: [...found.notices, ...found.warnings.map(({ message }) => inRepository(message, at))],
  };
}

/** @throws StepError with the program's own sentences where it refuses */
async function previewed(at: Required<StackAt>): Promise<Preview> {
  const { preview, errors, stderr } = await runPreview(at, [], { timeoutMs: 15 * 60_000 });
  if (preview !== undefined) return preview;
  const said = errors.map((message) => inRepository(message, at));
  throw new StepError(said.length > 0 ? said.join("\n") : `The preview failed:\n${tail(stderr)}`);
}
