/** The deployment's pipeline with its state in a bucket, whose keys reach the steps by one secret. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type S3, serveS3 } from "./pipelines/s3.ts";
import { openWorld, type World } from "./pipelines/production-stack.ts";

vi.setConfig({ testTimeout: 1_200_000 });

const KEY = "AKIACANARY";
const SECRET = "s3-secret-canary-4711";

let s3: S3;
let world: World;
beforeAll(async () => {
  world = await openWorld({
    backend: async (dir) => {
      s3 = await serveS3(dir, KEY, SECRET);
      return s3.variables("state");
    },
  });
  await world.deployByHand();
}, 900_000);
afterAll(async () => {
  await world?.close();
  await s3?.close();
});

test("a push is deployed from and to a bucket, a second run has nothing to do, and no log holds the bucket's key", async () => {
  const { commit } = await world.push(world.wizard, { to: "refs/heads/master", files: { "docs/notes.md": "x" } });
  const event = { CI_PIPELINE_EVENT: "push", CI_COMMIT_SHA: commit };
  const [first, second] = [await world.pipeline("deploy.yaml", event), await world.pipeline("deploy.yaml", event)];
  for (const ran of [first, second])
    expect(
      ran.filter(({ code }) => code !== 0),
      ran.map(({ log }) => log).join("\n"),
    ).toEqual([]);
  expect((await world.history())[0]).toMatchObject({
    message: `${commit} pushed by wizard`,
    environment: { "git.head": commit },
  });
  expect(second.find(({ name }) => name === "up")?.log).toContain("There is nothing to deploy");
  expect(world.logs.join("\n")).not.toContain(SECRET);
});
