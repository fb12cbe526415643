/**
 * Prints each failed test with the first lines of its error, at once, and again as the last lines of the run, since the end
 * of a log is what a reader of CI gets; before those the ten longest files, so that every log shows what slows it down.
 */

import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { TestError } from "vitest";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { ROOT } from "../house/sources.ts";

const LONGEST_SHOWN = 10;
const FIRST_LINES = 3;
const LAST_LINES = 10;
const DIFFERENCES_SHOWN = 12;
const COLUMNS = 300;

export default class SummaryOfRun implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    if (state === "failed") process.stdout.write(`Failed:\n${entry(test.module, test.fullName, errors)}`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules
      .map((module) => ({ file: relative(ROOT, module.moduleId), seconds: module.diagnostic().duration / 1000 }))
      .sort((one, other) => other.seconds - one.seconds)
      .slice(0, LONGEST_SHOWN);
    process.stdout.write("Longest files, in seconds:\n");
    for (const { file, seconds } of files) process.stdout.write(`${seconds.toFixed(0).padStart(6)}  ${file}\n`);

    const failures = modules.flatMap(failuresOf);
    if (failures.length > 0) process.stdout.write(`\nFailed, ${failures.length}:\n${failures.join("")}`);
  }
}

/** The file's failed tests, and what failed outside of a test: a hook, a suite, or the file's import. */
function failuresOf(module: TestModule): string[] {
  const ofFile = module.errors();
  const ofSuites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  const ofTests = [...module.children.allTests("failed")];
  return [
    ...(ofFile.length > 0 ? [entry(module, "", ofFile)] : []),
    ...ofSuites.map((suite) => entry(module, suite.fullName, suite.errors())),
    ...ofTests.map((test) => entry(module, test.fullName, test.result().errors ?? [])),
  ];
}

function entry(module: TestModule, name: string, errors: readonly TestError[]): string {
  const title = [relative(ROOT, module.moduleId), ...(name === "" ? [] : [name])].join(" > ");
  const lines = errors.flatMap(({ message, diff = "" }) => [
    ...shortened(linesOf(message)),
    ...linesOf(diff)
      .filter((line) => /^[-+] /.test(line))
      .slice(0, DIFFERENCES_SHOWN),
  ]);
  return [`  ${title}`, ...lines.map((line) => `      ${shortenedLine(line)}`), ""].join("\n");
}

/** A command that failed is told first, and how it failed last. */
const shortenedLine = (line: string): string =>
  line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS / 2)} … ${line.slice(-COLUMNS / 2)}`;

const linesOf = (text: string): readonly string[] =>
  stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => line.trim() !== "");

/** Where an assertion brings a log along, what it expected stands at the end. */
const shortened = (lines: readonly string[]): readonly string[] =>
  lines.length <= FIRST_LINES + LAST_LINES ? lines : [...lines.slice(0, FIRST_LINES), "…", ...lines.slice(-LAST_LINES)];
