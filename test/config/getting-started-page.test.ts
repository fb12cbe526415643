/** What docs/getting-started.md writes is taken by the program, and each of its blocks is run by a test or says why not. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadRoster } from "../../roster/load.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { loadUserMap } from "../../roster/user-map.ts";
import { parseSettings } from "../../config/settings/parse.ts";
import { blocksOf } from "../e2e/fixtures/runbook.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const blocks = blocksOf(read("docs/getting-started.md"));

/** The text that a block writes into a file. */
function written(file: string): string {
  const pattern = new RegExp(`> ?${file.replace(/[.~]/g, "\\$&")} <<'?END'?\\n([\\s\\S]*?)\\nEND(\\n|$)`);
  const text = blocks.flatMap(({ script }) => pattern.exec(script)?.[1] ?? [])[0];
  if (text === undefined) throw new Error(`the page writes no ${file}`);
  return `${text}\n`;
}

test("the settings lack their secrets alone, and the first of them is what the page says is missing", () => {
  const { config } = parse(written("Pulumi.prod.yaml")) as { readonly config: Readonly<Record<string, unknown>> };
  const raw = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  expect(() => parseSettings(raw, "Pulumi.prod.yaml")).toThrow(
    /^The configuration of this stack cannot be used; nothing was changed:\n {2}Pulumi\.prod\.yaml: workstation:sshPrivateKey: is missing[^\n]*\nFix it/,
  );
  const settings = parseSettings({ ...raw, "workstation:sshPrivateKey": "key" }, "Pulumi.prod.yaml");
  expect(settings.vault?.workstationTokens?.role).toBe("workstation-claude");
  expect(settings.cluster?.oidc.grant).toBe("device-code");
});

test("the user map and the roster agree, before and after somebody joins", () => {
  const map = loadUserMap(written("~/k8s-users.json"), "the user map");
  const joined = `${read("roster.yaml")}${written("roster.yaml").replace(/^\n/, "\n")}`;
  for (const [text, people] of [
    [read("roster.yaml"), 3],
    [joined, 4],
  ] as const) {
    const roster = loadRoster(text, "roster.yaml", DEFAULT_POLICY);
    if (!roster.ok || !map.ok) throw new Error(JSON.stringify([roster, map]));
    expect(roster.roster.rows.size).toBe(people);
    for (const { k8sUser, tier } of roster.roster.rows.values())
      if (k8sUser !== "practice") expect(map.userMap.entries.get(k8sUser)?.role).toBe(tier);
  }
});

test("a block that no test runs says why, and says nothing that would have to be compared", () => {
  const notRun = blocks.filter(({ notRun: why }) => why !== undefined);
  expect(blocks.length - notRun.length).toBeGreaterThan(20);
  expect(notRun.map(({ script, says }) => [script.split("\n")[0], says.length])).toEqual([
    ["vault secrets enable -path=secret -version=2 kv", 0],
    [expect.stringMatching(/^forgejo admin user create /), 0],
    [expect.stringMatching(/kubectl auth whoami/), 0],
  ]);
});
