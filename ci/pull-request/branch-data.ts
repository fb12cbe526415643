/** Reads from git's objects what a preview compares: the data files of the base branch, and those that merging would make. */

import type { Document } from "yaml";
import { requiredVariable, StepError } from "../environment.ts";
import { type Git, openGit } from "../git.ts";
import { DATA, type DataPath, dataFile } from "../stack-file.ts";

/** Data files by the setting that names each, with their path in the repository. */
export type Data = ReadonlyMap<DataPath, { readonly name: string; readonly content: Buffer }>;

/** The branch itself is at fault, and whoever pushed it is told. */
export class BranchFault extends StepError {}

export interface Branches {
  /** The pull request's commit. */
  readonly commit: string;
  /** As the base branch has them now, deployed or not. */
  readonly base: Data;
  /** As merging the pull request would make them. */
  readonly merged: Data;
  /** Files that the pull request changes and a preview does not run or read: they count only once they are deployed. */
  readonly unread: readonly string[];
  /** Files of the base branch that are not as they were deployed, beside the data: a preview does not run them either. */
  readonly undeployed: readonly string[];
}

/**
 * @param folder the checkout of the deployed commit, which has fetched the base branch and the pull request's commit
 * @param document the deployed commit's stack file, which says where the data files are
 * @param deployed the commit that the published state is of
 * @throws StepError for a checkout of another commit, for what cannot be merged, and for a data file that is no regular file
 * of bearable size
 */
export async function readBranches(folder: string, document: Document, deployed: string): Promise<Branches> {
  const git = openGit(folder);
  const base = await baseOf(git, deployed);
  const commit = requiredVariable("CI_COMMIT_SHA");
  if ((await git.commit(commit)) === undefined) throw new StepError(`The commit ${commit} was not fetched.`);
  const tree = await git.merged(base, commit);
  if (tree === undefined)
    throw new BranchFault("This branch cannot be merged by itself: bring it up to date with the base branch.");
  const names = new Map(DATA.flatMap((path) => nameOf(document, path)));
  const read = async (from: string, where: string): Promise<Data> => {
    const data = new Map<DataPath, { readonly name: string; readonly content: Buffer }>();
    for (const [name, path] of names) {
      const content = await git.file(from, name);
      if (content === undefined)
        throw new StepError(`${name} is missing on ${where}; nothing can be deployed without it.`);
      data.set(path, { name, content });
    }
    return data;
  };
  const beside = async (from: string, to: string) =>
    (await git.changedFiles(from, to)).filter((file) => !names.has(file));
  return {
    commit,
    base: await read(base, "the base branch"),
    merged: await read(tree, "this branch").catch((cause: unknown) => {
      throw cause instanceof StepError ? new BranchFault(cause.message) : cause;
    }),
    unread: await beside(base, tree),
    undeployed: await beside(deployed, base),
  };
}

/** The head of the base branch. @throws StepError where it does not lead from the deployed commit, which is checked out */
async function baseOf(git: Git, deployed: string): Promise<string> {
  const head = await git.commit("HEAD");
  if (head !== deployed)
    throw new StepError(
      `The checkout is of ${head ?? "no commit"}, and ${deployed} is deployed: a deployment ended meanwhile. Run this pipeline again.`,
    );
  const branch = requiredVariable("WS_BRANCH");
  const base = await git.commit(`refs/remotes/origin/${branch}`);
  if (base === undefined) throw new StepError(`The checkout has no branch ${branch} of the forge: fetch it first.`);
  if (await git.isAncestor(deployed, base)) return base;
  throw new StepError(
    `${branch} no longer leads from the deployed commit ${deployed.slice(0, 12)}: an admin has to deploy it first.`,
  );
}

/** A path out of the repository is none of the branch's. */
function nameOf(document: Document, path: DataPath): readonly (readonly [string, DataPath])[] {
  const name = dataFile(document, path);
  return name === undefined || name.startsWith("/") || name.split("/").includes("..") ? [] : [[name, path]];
}
