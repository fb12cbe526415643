/** No page tells anybody to run what nothing has run: every command of README.md and docs/ is run by a test, or listed as one that none runs. */

import { describe, expect, test } from "vitest";
import { stepsOf } from "../e2e/fixtures/runbook.ts";
import { PROOFS, type Proof, RUN_AS_THEY_STAND } from "./commands-proved.ts";
import { commandsOf, PAGES, type PageCommand } from "./page-commands.ts";
import { files, text } from "./sources.ts";

const all = PAGES.flatMap((page) => commandsOf(page));

/** `getting-started.test.ts` carries it out but for blocks that say why not. */
const GETTING_STARTED = "docs/getting-started.md";

/** Pages that `runbooks.test.ts` carries out. */
const carriedOut = /test\.each\(\[([^\]]*)\]\)/.exec(text("test/e2e/runbooks.test.ts"))?.[1] ?? "";
const runbooks = [...carriedOut.matchAll(/"([a-z-]+)"/g)].map(([, name]) => `docs/runbooks/${name}.md`);

/** The list of docs/architecture.md: command and reason. */
const notRun = new Map(
  (text("docs/architecture.md").split("\n## Commands that no test runs\n")[1]?.split("\n## ")[0] ?? "")
    .split("\n")
    .flatMap((line) => {
      const [, command, why] = /^\| `([^`]+)` \| (.+) \|$/.exec(line) ?? [];
      return command === undefined || why === undefined ? [] : [[command, why] as const];
    }),
);

const blockOf = ({ page, command, as }: PageCommand) =>
  `${page} ${as === "prompt" ? "$" : (command.split(/[ "]/)[0] ?? "")}`;
const proofOf = ({ command }: PageCommand): Proof | undefined => PROOFS.find((proof) => proof.command.test(command));
const isRun = (told: PageCommand): boolean =>
  (told.as === "script" && [...runbooks, GETTING_STARTED].includes(told.page)) ||
  (told.as !== "span" && RUN_AS_THEY_STAND[blockOf(told)] !== undefined) ||
  proofOf(told) !== undefined;

test("every command of every page is run by a test, or stands in the list of those that none runs", () => {
  expect(all.length).toBeGreaterThan(100);
  expect(
    all.filter((told) => !isRun(told) && !notRun.has(told.command)).map(({ at, command }) => `${at}: ${command}`),
  ).toEqual([]);
});

test("a block with commands says that it is a script", () => {
  expect(all.filter(({ as }) => as === "unmarked").map(({ at, command }) => `${at}: ${command}`)).toEqual([]);
});

test("every page of docs/runbooks is carried out, each of its commands as a step", () => {
  const pages = files(/^docs\/runbooks\/[a-z-]+\.md$/);
  expect([...runbooks].sort()).toEqual([...pages].sort());
  for (const page of pages) {
    const steps = stepsOf(text(page)).flatMap((step) => (step.kind === "run" ? step.script.split("\n") : []));
    const scripts = commandsOf(page).filter(({ as }) => as === "script");
    expect(scripts.filter(({ command }) => !steps.some((line) => line.trim().startsWith(command)))).toEqual([]);
  }
});

test("docs/getting-started.md is carried out from the page itself", () => {
  expect(text("test/e2e/getting-started.test.ts")).toContain(`const PAGE = "${GETTING_STARTED}";`);
});

describe("a file that is said to run a command", () => {
  const told = [...PROOFS.map(({ by, runs }) => [by, runs] as const), ...Object.values(RUN_AS_THEY_STAND)];
  test.each(told)("%s runs %s", (by, runs) => {
    expect(by).toMatch(/^(test\/.*\.ts|docs\/runbooks\/.*\.md|Makefile|\.ci\/run)$/);
    expect(text(by)).toMatch(runs);
  });
});

test("no row is left of a command that no page has any more, and none is both run and not run", () => {
  const stale = PROOFS.filter((proof) => !all.some((told) => proofOf(told) === proof)).map(({ command }) =>
    String(command),
  );
  const blocks = Object.keys(RUN_AS_THEY_STAND).filter((block) => !all.some((told) => blockOf(told) === block));
  const listed = [...notRun.keys()].filter((command) => !all.some((told) => told.command === command && !isRun(told)));
  expect([stale, blocks, listed]).toEqual([[], [], []]);
});

test("the looking finds commands wherever a page may have them", () => {
  const page = [
    ...[
      "Run `make up`, or `git tag x && git",
      "push`, not `make`.",
      "```sh",
      "./ws a   # why",
      "cat <<'END'",
      "make no",
      "END",
      "```",
    ],
    ...["```", "$ ./ws b", "said", "./ws c", "```", "```hcl", "path x", "```"],
  ].join("\n");
  expect(commandsOf("p", page).map(({ at, command, as }) => `${at} ${as} ${command}`)).toEqual([
    ...["p:1 span make up", "p:1 span git tag x && git push", "p:4 script ./ws a", "p:5 script cat <<'END'"],
    ...["p:10 prompt ./ws b", "p:12 unmarked ./ws c"],
  ]);
});
