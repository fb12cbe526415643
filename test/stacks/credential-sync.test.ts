/** Tests that nobody has a workstation's token of Vault where no credential sync runs, on Vault's side and on the hosts' alike. */

import { expect, test } from "vitest";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { recordResources } from "../../stacks/offline/record-resources.ts";
import { deployVault } from "../../stacks/vault.ts";
import { LEAST, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const { desired } = derived(
  rosterOf(row("ada", "email: ada@books.example", "admin"), row("cleo", "claude_auth: false")),
);

const revokedWith = async (commands: object) => {
  const vault = { address: "https://vault.test", workstationTokens: {} };
  const stack = settings({ vault, devvm: { ...LEAST.devvm, commands } });
  const tokens = (await desiredResources(stack, desired)).filter(
    ({ type }) => type === "vaultpeople:index:WorkstationToken",
  );
  return Object.fromEntries(tokens.map(({ inputs }) => [inputs.name, inputs.revoked]));
};

test("everybody whose credential sync runs has a token", async () => {
  expect(await revokedWith({ credentialSync: ["/bin/sync"] })).toEqual({
    ...{ "workstation-claude-ada": false, "workstation-claude-cleo": true },
  });
});

test("nobody has a token where the stack names no credential sync", async () => {
  expect(await revokedWith({})).toEqual({ "workstation-claude-ada": true, "workstation-claude-cleo": true });
});

test("no host is waited for before the tokens of everybody are as decided: one that is lost does not keep them valid", async () => {
  const { vault } = settings({ vault: { address: "https://vault.test", workstationTokens: {} } });
  const before: (string | undefined)[] = [];
  await recordResources({ stack: "test", answer: {} }, async () => {
    if (vault === undefined) throw new Error("these settings name Vault");
    const { cuts } = await deployVault(vault, "-", desired, ({ claudeAuth }) => claudeAuth);
    const urns = cuts.map(({ urn }) => new Promise<string>((resolve) => void urn.apply(resolve)));
    before.push(...(await Promise.all(urns)).map((urn) => /::.*:WorkstationToken::(.*)$/.exec(urn)?.[1]));
  });
  expect(before.filter((name) => name !== undefined)).toHaveLength(desired.people.size);
});
