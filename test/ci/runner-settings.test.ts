import { expect, test } from "vitest";
import { pipeline, world } from "./fixtures/runner-world.ts";

test.each([
  [
    "a step of another organisation",
    ["    environment:", "    environment:\n      WS_ORGANIZATION: acme"],
    /WS_ORGANIZATION: acme, and/,
  ],
  [
    "another branch",
    ["cron: deploy", "cron: deploy\n    branch: main"],
    /no entry for the event cron of the branch master/,
  ],
] as const)(
  "nothing starts where the deployed pipeline file is for %s than the settings",
  async (_what, [was, is], said) => {
    const at = world();
    at.deployed = at.commit({ ".woodpecker/deploy.yaml": pipeline("x").replace(was, is) });
    at.commit({ a: "1" });
    await expect(at.run()).rejects.toThrow(said);
    expect(at.marks()).toEqual([]);
  },
);
