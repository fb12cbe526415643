/** What a preview takes from a pull request: its data files as merging would make them, and the names of all else it changes. */

import type { Document } from "yaml";
import { given, StepError } from "../environment.ts";
import { openGit } from "../git.ts";
import { DATA, type DataPath, dataFile } from "../stack-file.ts";

export interface Branch {
  readonly commit: string;
  /** By the setting that names the file. */
  readonly data: ReadonlyMap<DataPath, Buffer>;
  /** Changed files that a preview does not run or read: they count only once they are merged. */
  readonly unread: readonly string[];
}

/**
 * @param folder the base branch's checkout, which has fetched the pull request's commit
 * @throws StepError for what cannot be merged, and for a data file that is no regular file of bearable size
 */
export async function readBranch(folder: string, document: Document): Promise<Branch> {
  const git = openGit(folder);
  const commit = given("CI_COMMIT_SHA");
  if ((await git.commit(commit)) === undefined) throw new StepError(`The commit ${commit} was not fetched.`);
  const tree = await git.merged("HEAD", commit);
  if (tree === undefined)
    throw new StepError("This branch cannot be merged by itself: bring it up to date with the base branch.");
  const names = new Map(DATA.flatMap((path) => nameOf(document, path)));
  const data = new Map<DataPath, Buffer>();
  for (const [name, path] of names) {
    const content = await git.file(tree, name);
    if (content === undefined)
      throw new StepError(`${name} is missing on this branch; nothing can be deployed without it.`);
    data.set(path, content);
  }
  const unread = (await git.changedFiles("HEAD", tree)).filter((file) => !names.has(file));
  return { commit, data, unread };
}

/** A path out of the repository is none of the branch's. */
function nameOf(document: Document, path: DataPath): readonly (readonly [string, DataPath])[] {
  const name = dataFile(document, path);
  return name === undefined || name.startsWith("/") || name.split("/").includes("..") ? [] : [[name, path]];
}
