import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { daily } from "../../ci/daily.ts";
import { whileNothingIsDeployed } from "../../ci/drift.ts";

/** What happens elsewhere while the daily deployment previews. */
let meanwhile = () => {};
vi.mock(import("../../ci/deliveries.ts"), async (original) => ({
  ...(await original()),
  findRedelivery: async () => ({ hosts: [], options: [] }),
}));
vi.mock(import("../../ci/people-plan.ts"), () => ({
  planPeople: async () => ({ plan: [], raised: [], brakes: [], warnings: [], notices: [] }),
}));
vi.mock(import("../../ci/preview-drift.ts"), async (original) => ({
  ...(await original()),
  previewRefreshed: async () => {
    meanwhile();
    return { drift: [{ op: "create", type: "ResourceQuota", name: "quota" }], due: [] };
  },
}));

let folder: string;
let deployed: string;
/** Every update that the engine has recorded, the newest first. */
const updates: object[] = [];
const record = (result: string, head: string, startTime: string) => {
  updates.unshift({ kind: "update", result, startTime, environment: { "git.head": head } });
  writeFileSync(join(folder, "history.json"), JSON.stringify(updates));
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daily-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@lab.example", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();
  git("init", "--quiet");
  git("commit", "--quiet", "--allow-empty", "--message=x");
  deployed = git("rev-parse", "HEAD");
  git("update-ref", "refs/remotes/origin/master", deployed);
  updates.length = 0;
  record("succeeded", deployed, "2026-11-22T12:00:00.000Z");
  writeFileSync(join(folder, "tag.json"), "{}");
  writeFileSync(join(folder, "ups"), "");
  const up = `[ "$1" != up ] || { echo up >> ${folder}/ups; exit 0; }`;
  writeFileSync(join(folder, "pulumi"), `#!/bin/sh\n${up}\ncat ${folder}/$2.json\n`);
  chmodSync(join(folder, "pulumi"), 0o755);
  for (const [name, value] of Object.entries({
    ...{ PATH: `${folder}:${process.env.PATH}`, GIT_DIR: join(folder, ".git"), WS_STACK: "prod", WS_BRANCH: "master" },
    ...{ WS_DEPLOYED: join(folder, "deployed"), WS_WAIT_MINUTES: "0" },
  }))
    vi.stubEnv(name, value);
  meanwhile = () => {};
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const ups = () => readFileSync(join(folder, "ups"), "utf8");

test("the deployed commit is deployed again where anything differs", async () => {
  expect([await daily(), ups()]).toEqual([0, "up\n"]);
});

test.each([
  ["failed", () => record("failed", "b".repeat(40), "2026-11-23T12:00:00.000Z")],
  [
    "was killed",
    () => {
      const attempt = `${"b".repeat(40)} 2026-11-23T12:00:00.000Z`;
      writeFileSync(join(folder, "tag.json"), JSON.stringify({ "workstation:attempt": attempt }));
    },
  ],
])("a newer deployment that %s while the changes were previewed is not taken back", async (_what, happens) => {
  meanwhile = happens;
  await expect(daily()).rejects.toThrow(/the deployment of b+ failed or did not end, and part of it may be in effect/);
  expect(ups()).toBe("");
});

test("a look for drift during which a deployment ended is made again, and not for ever", async () => {
  const at = { stack: "prod", folder };
  let looks = 0;
  const look = (deploysUntil: number) => () => {
    looks += 1;
    if (looks <= deploysUntil) record("succeeded", deployed, new Date(Date.UTC(2026, 10, 23, looks)).toISOString());
    return Promise.resolve(looks);
  };
  expect(await whileNothingIsDeployed(at, look(1))).toBe(2);
  await expect(whileNothingIsDeployed(at, look(9))).rejects.toThrow("during each of 5 looks for drift");
});
