/** The generated reference is what the schemas say today. */

import { posix } from "node:path";
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

const everything = new Set(files(/./));
const folders = new Set(
  [...everything].flatMap((file) => file.split("/").map((_, end, parts) => parts.slice(0, end).join("/"))),
);
const pages = files(/\.md$/);

test("every source and every folder of sources that a page names exists", () => {
  const missing = pages.flatMap((page) => missingNames(text(page)).map((path) => `${page}: ${path}`));
  expect(missing).toEqual([]);
});

/** Names in code, as `stacks/offline` or `test/house/docs.test.ts`, that begin with a folder of this repository. */
function missingNames(page: string): readonly string[] {
  return [...page.matchAll(/`([a-z.]+\/[\w./@-]*)`/g)]
    .map(([, path = ""]) => path.replace(/\/$/, ""))
    .filter((path) => folders.has(path.split("/")[0] ?? "") && !everything.has(path) && !folders.has(path));
}

test("every link of a page leads to a file, and to the one that its text names", () => {
  expect(pages.flatMap((page) => wrongLinks(page, text(page)).map((link) => `${page}: ${link}`))).toEqual([]);
});

function wrongLinks(page: string, source: string): readonly string[] {
  return [...source.matchAll(/\[([^\]]+)\]\(([^)#\s]+)[^)]*\)/g)]
    .filter(([, , target = ""]) => !/^[a-z]+:/.test(target))
    .filter(([, shown = "", target = ""]) => {
      const path = posix.normalize(posix.join(posix.dirname(page), target));
      const named = /[\w./-]+\.(?:ts|mjs|sh|md|ya?ml|json)\b/.exec(shown)?.[0];
      return !everything.has(path) || (named !== undefined && !`/${path}`.endsWith(`/${named}`));
    })
    .map(([link]) => link);
}

test("a folder that is gone, and a link to another file than its text names, are found", () => {
  expect(missingNames("`test/lobby`, `test/house`, `docs/` and `confirm/x`")).toEqual(["test/lobby"]);
  const links =
    "[docs.test.ts](../test/house/docs.test.ts) [a.ts](../index.ts) [gone](gone.md) [x](https://example.org)";
  expect(wrongLinks("docs/x.md", links)).toEqual(["[a.ts](../index.ts)", "[gone](gone.md)"]);
});
