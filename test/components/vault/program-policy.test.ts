import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tokenRoleCommand } from "../../../clients/vault/token-roles.ts";
import { programPolicy, WORKSTATION_POLICIES } from "../../../components/vault/policies.ts";

const PAGE = readFileSync(new URL("../../../docs/vault.md", import.meta.url), "utf8");

test("docs/vault.md makes the token role by the command that a run prints where the role is unfit", () => {
  expect(PAGE).toContain(`\n${tokenRoleCommand("workstation-claude", WORKSTATION_POLICIES)}\n`);
});

test("the policy that docs/vault.md tells an operator to set up is the one that the program is tried with", () => {
  const shown = /```hcl\n([\s\S]*?)```/.exec(PAGE)?.[1];
  expect(shown).toBe(
    programPolicy({ kv: "secret", kubernetes: "kubernetes", userMap: "platform", tokenRole: "workstation-claude" }),
  );
});
