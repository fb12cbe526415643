/** Sets the user's git identity and credential helper where they have none, and closes their credentials to others. */

import { closeSync, constants, fchmodSync, fstatSync, openSync } from "node:fs";
import { kindOf, lstat, readSmallFile } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { readGitConfig } from "./git-config.ts";
import type { StepContext } from "./step-context.ts";

/** Only what is absent is written. */
export function gitIdentity(context: StepContext): Step {
  const { name, email } = context.part.git;
  return {
    name: "git identity",
    differences: async () => {
      // A pipe here would hold git until its deadline, so what is no file is named before git is started.
      const there = lstat(`${context.home}/.gitconfig`);
      if (there !== undefined && !there.isFile() && !there.isSymbolicLink())
        throw new Refusal(`~/.gitconfig is ${kindOf(there)}`);
      if (there?.isFile()) readSmallFile(`${context.home}/.gitconfig`);
      const config = await readGitConfig(context);
      const wanted = [
        ["user.name", name],
        ["user.email", email],
        ["credential.helper", "store"],
      ] as const;
      return wanted.flatMap(([key, value]): Change[] => {
        if (value === undefined || config.get(key) !== undefined) return [];
        const apply = async () => {
          const ran = await context.git.run(["config", "--global", key, value]);
          if (ran.code !== 0) throw new Refusal(describeGitFailure(ran));
        };
        return [{ point: "git-identity", says: says("set", `git's ${key}`), apply }];
      });
    },
  };
}

/** A token is in it. */
export function credentialsMode(context: StepContext): Step {
  const path = `${context.home}/.git-credentials`;
  return {
    name: "git credentials",
    differences: () => {
      const there = lstat(path);
      if (there === undefined) return [];
      if (!there.isFile())
        throw new Refusal(`~/.git-credentials is ${kindOf(there)}; it must be a regular file of the user`);
      if ((there.mode & 0o077) === 0) return [];
      return [
        {
          point: "git-credentials-mode",
          says: says("set", "~/.git-credentials to mode 0600"),
          apply: () => closeFile(path),
        },
      ];
    },
  };
}

function closeFile(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Refusal("~/.git-credentials is not a file any more");
    fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
}
