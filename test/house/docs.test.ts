/** The generated reference is what the schemas say today. */

import { expect, test } from "vitest";
import { configurationPage } from "../../cli/docs/configuration.ts";
import { rosterPage } from "../../cli/docs/roster.ts";
import { type Setting, settingsOf } from "../../cli/docs/setting-types.ts";
import { row } from "../../roster/schema/row.ts";
import { stackSettings } from "../../config/settings/stack-settings.ts";
import { files, text } from "./sources.ts";

test("docs/configuration.md is what the settings' schema says today (npm run docs writes it anew)", () => {
  expect(text("docs/configuration.md")).toBe(configurationPage());
});

test("docs/roster.md is what the roster's schema says today (npm run docs writes it anew)", () => {
  expect(text("docs/roster.md")).toBe(rosterPage());
});

/** Every place of a schema with the words that describe it. */
function described(setting: Setting, path: string): [path: string, description: string][] {
  const inner = setting.items ?? setting;
  const below = Object.entries(inner.properties ?? {}).flatMap(([key, value]) =>
    described(value, path === "" ? key : `${path}.${key}`),
  );
  return path === "" ? below : [[path, setting.description ?? ""], ...below];
}

test.each([
  ["setting", settingsOf(stackSettings)],
  ["field of the roster", settingsOf(row)],
])("every %s says what it decides", (_, schema) => {
  const all = described(schema, "");
  expect(all.length).toBeGreaterThan(15);
  expect(all.filter(([, description]) => description === "")).toEqual([]);
});

test("every setting stands on the page under its whole name, a secret one marked as such", () => {
  const page = configurationPage();
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  expect(page).toContain("| `hosts[].hostKey` | the host's public key");
  expect(rows.find((line) => line.startsWith("| `sshPrivateKey`"))).toContain("| **required** | **Secret.** ");
  expect(rows.find((line) => line.startsWith("| `limits.*.memory`"))).toContain("namespace-owner: 8G");
});

test("every source that a page names exists", () => {
  const all = new Set(files(/./));
  const folders = new Set([...all].map((file) => file.split("/")[0] ?? ""));
  const missing = files(/\.md$/).flatMap((page) =>
    [...text(page).matchAll(/`([a-z.]+\/[\w./@-]+\.(?:ts|mjs|sh|md|ya?ml|json))`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => folders.has(path.split("/")[0] ?? "") && !all.has(path))
      .map((path) => `${page}: ${path}`),
  );
  expect(missing).toEqual([]);
});
