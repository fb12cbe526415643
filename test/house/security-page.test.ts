/** What docs/security.md says is proved, is proved in a file that exists, by tests that run. */

import { posix } from "node:path";
import { expect, test } from "vitest";
import { files, text } from "./sources.ts";

const LINK = /\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g;
const linksOf = (page: string) =>
  [...text(page).matchAll(LINK)].map(([, target = ""]) => posix.normalize(posix.join(posix.dirname(page), target)));
const promises = text("docs/security.md")
  .split("## Promises")[1]
  ?.split("\n## ")[0]
  ?.split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| promise"));

test("every promise names a test", () => {
  expect(promises?.length).toBeGreaterThan(10);
  expect(promises?.filter((line) => !/\]\(\.\.\/test\/[^)]+\.test\.ts\)/.test(line))).toEqual([]);
});

test.each(["docs/security.md", "docs/adoption.md"])("every file that %s links to exists", (page) => {
  const known = new Set(files(/./));
  expect(linksOf(page).filter((target) => !known.has(target))).toEqual([]);
});

test("every linked test file holds tests", () => {
  const tests = linksOf("docs/security.md").filter((target) => target.startsWith("test/"));
  expect(tests.length).toBeGreaterThan(15);
  expect(tests.filter((file) => !/^\s*(test|it|describe)[.(]/m.test(text(file)))).toEqual([]);
});
