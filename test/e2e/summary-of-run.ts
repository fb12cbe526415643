/**
 * Prints the last lines of a run: its ten longest files, so that what slows it down is seen in every log, and each failed
 * test with the first lines of its error, since the end of a log is what a reader of CI gets.
 */

import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestModule } from "vitest/node";
import { ROOT } from "../house/sources.ts";

const LONGEST_SHOWN = 10;
const LINES_PER_ERROR = 3;
const COLUMNS = 300;

export default class SummaryOfRun implements Reporter {
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
  const file = relative(ROOT, module.moduleId);
  const entry = (name: string, errors: readonly { message: string }[]) =>
    `  ${file}${name === "" ? "" : ` > ${name}`}\n${errors.map((error) => firstLines(error.message)).join("")}`;
  const ofFile = module.errors();
  const ofSuites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  const ofTests = [...module.children.allTests("failed")];
  return [
    ...(ofFile.length > 0 ? [entry("", ofFile)] : []),
    ...ofSuites.map((suite) => entry(suite.fullName, suite.errors())),
    ...ofTests.map((test) => entry(test.fullName, test.result().errors ?? [])),
  ];
}

function firstLines(message: string): string {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return lines
    .slice(0, LINES_PER_ERROR)
    .map((line) => `      ${line.slice(0, COLUMNS)}\n`)
    .join("");
}
