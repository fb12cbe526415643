/** Pushes with real git to the lab's forge, from folders that are made for the purpose and thrown away. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../run.ts";
import { authorization, type ForgeLogin } from "./api.ts";

/** A repository's first content. */
export interface Content {
  /** Text by path. */
  readonly files: Readonly<Record<string, string>>;
  /** The git-crypt key that the files which `.gitattributes` says are encrypted with; it is made when there is none. */
  readonly gitCryptKeyPath?: string;
}

/**
 * Commits the content as the root of `master` and pushes it.
 * @param repository address of the repository
 * @param scratch folder for root alone, in which the clone is made
 */
export async function pushContent(
  repository: string,
  as: ForgeLogin,
  content: Content,
  scratch: string,
): Promise<void> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const clone = await mkdtemp(join(scratch, "push-"));
  try {
    const git = (...argv: string[]) => run(["git", ...argv], { cwd: clone, env: gitEnv(as) });
    await git("init", "--quiet", "--initial-branch=master");
    if (content.gitCryptKeyPath !== undefined) await useGitCrypt(clone, content.gitCryptKeyPath);
    for (const [path, text] of Object.entries(content.files)) {
      await mkdir(dirname(join(clone, path)), { recursive: true });
      await writeFile(join(clone, path), text);
    }
    await git("add", "--all");
    await git("commit", "--quiet", "--message", "Begin");
    await git("push", "--quiet", repository, "master");
  } finally {
    await rm(clone, { recursive: true });
  }
}

/**
 * The environment of a git that acts as somebody and reads nobody's configuration. The password travels in it, since a
 * command line can be read by anybody on the machine.
 */
export function gitEnv(as: ForgeLogin): Record<string, string> {
  const who = { NAME: "Lab", EMAIL: "lab@forge.invalid" };
  const header = Object.entries(authorization(as)).map(([name, value]) => `${name}: ${value}`);
  return {
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    ...Object.fromEntries(
      Object.entries(who).flatMap(([key, value]) =>
        ["AUTHOR", "COMMITTER"].map((role) => [`GIT_${role}_${key}`, value]),
      ),
    ),
    GIT_CONFIG_COUNT: String(header.length),
    ...(header[0] === undefined ? {} : { GIT_CONFIG_KEY_0: "http.extraHeader", GIT_CONFIG_VALUE_0: header[0] }),
  };
}

async function useGitCrypt(clone: string, keyPath: string): Promise<void> {
  const crypt = (...argv: string[]) => run(["git-crypt", ...argv], { cwd: clone, env: gitEnv("anonymous") });
  const { code } = await run(["test", "-s", keyPath], { accept: [0, 1] });
  if (code === 0) return void (await crypt("unlock", keyPath));
  await crypt("init");
  await crypt("export-key", keyPath);
}
