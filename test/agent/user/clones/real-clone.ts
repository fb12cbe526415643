/** Clones made by real git in a directory of their own, for the tests of what a worker does with them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClonesPart } from "../../../../agent/contract.ts";
import { gitFor } from "../../../../agent/lib/git.ts";
import type { StepContext } from "../../../../agent/user/home/step-context.ts";
import { clones } from "../../../e2e/host/parts.ts";

export interface RealHome {
  readonly home: string;
  readonly place: StepContext;
  readonly warned: string[];
  /** A script with the home as its directory; its trimmed output. It must succeed. */
  sh(script: string): string;
  remove(): void;
}

const IDENTITY = { GIT_AUTHOR_NAME: "t", GIT_AUTHOR_EMAIL: "t@x", GIT_COMMITTER_NAME: "t", GIT_COMMITTER_EMAIL: "t@x" };

export function realHome(over: Partial<ClonesPart> = {}): RealHome {
  const home = mkdtempSync(join(tmpdir(), "workstation-home-"));
  const part = { ...clones({ osUser: "somebody", uid: 7000 }), ...over };
  const warned: string[] = [];
  const env = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8", ...IDENTITY };
  return {
    home,
    warned,
    place: {
      part,
      mode: "apply",
      home,
      launcher: "",
      git: gitFor(home, part),
      warn: (sentence) => void warned.push(sentence),
    },
    sh: (script) =>
      execFileSync("/bin/bash", ["-euc", script], {
        cwd: home,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }).trim(),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
