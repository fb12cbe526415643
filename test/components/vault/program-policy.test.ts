import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { programPolicy } from "../../../components/vault/policies.ts";

test("the policy that docs/vault.md tells an operator to set up is the one that the program is tried with", () => {
  const shown = /```hcl\n([\s\S]*?)```/.exec(
    readFileSync(new URL("../../../docs/vault.md", import.meta.url), "utf8"),
  )?.[1];
  expect(shown).toBe(programPolicy({ kv: "secret", kubernetes: "kubernetes", userMap: "platform" }));
});
