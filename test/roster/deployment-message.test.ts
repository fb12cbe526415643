import fc from "fast-check";
import { expect, test } from "vitest";
import { dailyMessage, deploymentMessage, readDeploymentMessage } from "../../roster/deployment-message.ts";

const commit = "3f2c1b".padEnd(40, "0");

test("a deployment's message names the commit and who pushed it, and is read back as that", () => {
  expect(deploymentMessage({ commit, pusher: "vbarzin" })).toBe(`${commit} pushed by vbarzin`);
  const hash = fc.stringMatching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
  const login = fc.stringMatching(/^[A-Za-z0-9](?:[._-]?[A-Za-z0-9]){0,39}$/);
  fc.assert(
    fc.property(hash, login, (made, pusher) => {
      const deployment = { commit: made, pusher };
      expect(readDeploymentMessage(deploymentMessage(deployment), made)).toEqual(deployment);
    }),
  );
});

test("a deployment without a known pusher, and the daily one, are the pipeline's and name nobody", () => {
  expect(readDeploymentMessage(deploymentMessage({ commit }), commit)).toEqual({ commit });
  expect(readDeploymentMessage(dailyMessage(commit), commit)).toEqual({ commit });
});

test.each([
  ["", "by hand"],
  ["3f2c1b", "vbarzin"],
  [commit, "vbarzin\nroot"],
  [commit, "a pushed by b"],
  [commit, ""],
  ["ABC".padEnd(40, "0"), "vbarzin"],
])("what is no commit or no login is not written, and not read: %j pushed by %j", (wrong, pusher) => {
  expect(() => deploymentMessage({ commit: wrong, pusher })).toThrow(/is not/);
  expect(readDeploymentMessage(`${wrong} pushed by ${pusher}`, commit)).toBeUndefined();
});

test.each([
  ["the title of the deployed commit, which cannot name its own hash", "f".repeat(40)],
  ["an update that the engine recorded no commit for", undefined],
])("a title in the form of a message is not believed: %s", (_what, head) => {
  expect(readDeploymentMessage(`${commit} pushed by wizard`, head)).toBeUndefined();
});
