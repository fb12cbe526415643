/** Reads where a deployment stands before it begins: what is deployed, what was pushed since, by whom, and who the admins are. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Document } from "yaml";
import { PROJECT } from "../../cli/pulumi.ts";
import { parseJson } from "../../clients/parse-json.ts";
import { FULL_HASH } from "../../roster/deployment-message.ts";
import { loadRoster } from "../../roster/load.ts";
import type { HostName, Row } from "../../roster/model.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { folded } from "../../roster/text/code-unit-order.ts";
import { TIERS } from "../../roster/tiers.ts";
import { today } from "../../config/desired-state.ts";
import { deployedCommit, mustBeOnBranch } from "../deployed-commit.ts";
import { find, requiredVariable, StepError } from "../environment.ts";
import { type Git, openGit } from "../git.ts";
import { mustPulumi } from "../engine.ts";
import { openRepository } from "../forge-repository.ts";
import {
  DATA,
  dataFile,
  type DataPath,
  hostNames,
  managesForge,
  nonAdminPushes,
  openStackFile,
  ROSTER,
  stackFileAt,
} from "../stack-file.ts";
import { type AdminAccount, adminAccounts } from "./admin-accounts.ts";
import { type Activity, activityBetween, type BranchRange } from "./forge-activity.ts";

export interface DeploymentContext {
  readonly git: Git;
  readonly stack: string;
  /** The last commit whose deployment succeeded. */
  readonly deployed: string;
  /** The commit that is to be deployed. */
  readonly commit: string;
  /** Path of the roster in the deployed commit. */
  readonly roster: string;
  /**
   * Paths of other files that the deployed stack or the pushed one reads, such as the guidance text: never mere pages,
   * wherever they lie. See `StackFiles`.
   */
  readonly readFiles: readonly string[] | "unknown";
  /**
   * Forgejo logins of the admins as of the deployed commit: what was pushed since does not decide about itself. In
   * `activity` such a login stands only for the admin's own account.
   */
  readonly admins: readonly string[];
  /** The deployed commit's own setting; see `docs/configuration.md`. */
  readonly nonAdminPushes: "confirm" | "announce";
  /** Pushes since the deployed commit, and who pushed which tag. */
  readonly activity: Activity;
  /** Whether there is nothing to deploy: the commit, or a later one, is deployed. */
  readonly done: boolean;
}

/** Prefix of the tag by which an admin confirms one commit. */
export const CONFIRM = "confirm/";

/** The commit that this pipeline is about. @throws StepError for a tag that confirms nothing */
export function commitOfPipeline(): string {
  if (requiredVariable("CI_PIPELINE_EVENT") !== "tag") return requiredVariable("CI_COMMIT_SHA");
  const tag = requiredVariable("CI_COMMIT_TAG");
  const commit = tag.startsWith(CONFIRM) ? tag.slice(CONFIRM.length) : "";
  if (FULL_HASH.test(commit)) return commit;
  throw new StepError(
    `The tag ${JSON.stringify(tag)} confirms nothing: it must be ${CONFIRM}<full hash of the commit>.`,
  );
}

/** @throws StepError where the commit, or the deployed one, is not on the deploying branch, or nothing was ever deployed */
export async function readDeploymentContext(): Promise<DeploymentContext> {
  const git = openGit(PROJECT);
  const stack = requiredVariable("WS_STACK");
  const branch = requiredVariable("WS_BRANCH");
  const commit = commitOfPipeline();
  const head = await git.commit(`refs/remotes/origin/${branch}`);
  if (head === undefined) throw new StepError(`The checkout knows no branch ${branch} of the forge; fetch it first.`);
  // A name of 64 hexadecimal digits is a branch or a tag where hashes have 40: git must mean the commit itself.
  if ((await git.commit(commit)) !== commit || !(await git.isAncestor(commit, head)))
    throw new StepError(`${commit} is not on ${branch}: only commits of ${branch} are deployed.`);
  const deployed = await deployedCommit({ stack, folder: PROJECT });
  await mustBeOnBranch(git, deployed, branch, head);
  const done = await git.isAncestor(commit, deployed);
  if (!done && !(await git.isAncestor(deployed, commit)))
    throw new StepError(
      `${commit} does not contain the deployed commit ${deployed}: deploying it would roll back what is deployed.`,
    );
  const document = await openStackFile(PROJECT, stack);
  const logins = await adminsAt(git, deployed, document);
  const state = parseJson(await mustPulumi({ stack, folder: PROJECT }, ["stack", "export"]));
  const admins = adminAccounts(logins, state, managesForge(document));
  return {
    ...{ git, stack, deployed, commit, done },
    roster: dataFile(document, ROSTER) ?? "",
    readFiles: await filesReadBy(document, () => stackFileAt(git, commit, stack)),
    nonAdminPushes: nonAdminPushes(document),
    activity: done
      ? { pushes: [], tags: new Map(), notices: [] }
      : await recorded(git, { branch, from: deployed, to: commit }, admins),
    admins: admins.map(({ login }) => login),
  };
}

/** An admin's push may have a stack read a page that a non-admin's push of the same deployment changes. */
async function filesReadBy(deployed: Document, readPushed: () => Promise<Document | undefined>) {
  const filesOf = (document: Document, paths: readonly DataPath[]) =>
    paths.flatMap((path) => dataFile(document, path) ?? []);
  // The deployed roster is judged by what it means for people; one in its place would be the pushed program's to read.
  const rest = DATA.filter((path) => path !== ROSTER);
  try {
    const pushed = await readPushed();
    return [...filesOf(deployed, rest), ...(pushed === undefined ? [] : filesOf(pushed, DATA))];
  } catch (cause) {
    if (cause instanceof StepError) return "unknown";
    throw cause;
  }
}

/** The forge writes its record a moment after the push. */
async function recorded(git: Git, range: BranchRange, admins: readonly AdminAccount[]): Promise<Activity> {
  const repository = openRepository();
  for (let tries = 1; ; tries += 1) {
    const activity = await activityBetween(repository, git, range, admins);
    const [newest] = activity.pushes;
    if (tries === TRIES || newest?.pusher !== undefined || newest?.account !== undefined) return activity;
    await sleep(PAUSE_MS);
  }
}

const TRIES = 4;
const PAUSE_MS = 2_000;

async function adminsAt(
  git: Git,
  deployed: string,
  document: Awaited<ReturnType<typeof openStackFile>>,
): Promise<readonly string[]> {
  const file = dataFile(document, ROSTER) ?? "";
  const text = await git.file(deployed, file);
  const hosts = hostNames(document) as readonly HostName[];
  const loaded = text && loadRoster(text, file, { ...DEFAULT_POLICY, ...(hosts.length > 0 ? { hosts } : {}) });
  if (!loaded?.ok)
    throw new StepError(`The roster ${file} of the deployed commit ${deployed} cannot be read; deploy by hand.`);
  return adminLogins([...loaded.roster.rows.values()]);
}

/** A parked admin, and one whose last day has passed, decide nothing. Exported for the tests. */
export const adminLogins = (
  rows: readonly Pick<Row, "tier" | "forgejo" | "until" | "parked">[],
  day = today(),
): readonly string[] =>
  rows.flatMap(({ tier, forgejo, until, parked }) =>
    TIERS[tier].administers && forgejo !== undefined && !parked && (until === undefined || until >= day)
      ? [forgejo.login]
      : [],
  );

/** Logins are compared without regard to case, as the forge does. */
export const isAdmin = ({ admins }: Pick<DeploymentContext, "admins">, login: string | undefined): boolean =>
  login !== undefined && admins.some((admin) => folded(admin) === folded(login));

/** Whether somebody asked the pipeline's server to skip the commit; it knows both orders, in any case. */
export const asksToSkip = (message: string): boolean => /\[(?:ci *skip|skip *ci)\]/i.test(message);

/** Whether this run was not started by a push, and so may find one that was passed over. */
export const isCatchUp = (): boolean => find("CI_PIPELINE_EVENT") === "cron";
