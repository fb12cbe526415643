/** Renders problems for the operator: coloured lines for people, one JSON form for programs. */

import type { Problem } from "../roster/model.ts";
import { renderProblem } from "../roster/render-problem.ts";
import type { Paint } from "./terminal.ts";

/** Lines for people; the place stands out, an error is red and a warning yellow. */
export function problemLines(problems: readonly Problem[], paint: Paint): string {
  return problems
    .map((problem) => {
      const location = `${problem.file}:${problem.line}:${problem.column}:`;
      const rest = renderProblem(problem).slice(location.length);
      return `${paint("bold", location)}${paint(problem.severity === "error" ? "red" : "yellow", rest)}`;
    })
    .join("\n");
}

/** What `--json` says of one file. */
export function fileReport(file: string, problems: readonly Problem[]) {
  return {
    file,
    ok: !hasErrors(problems),
    problems: problems.map(problemJson),
  };
}

/** One problem for a program; `user` is null where it concerns nobody. */
export const problemJson = ({ severity, line, column, user, path, message, file }: Problem) => ({
  severity,
  line,
  column,
  user: user ?? null,
  path,
  message,
  file,
});

export const hasErrors = (problems: readonly Problem[]): boolean =>
  problems.some((problem) => problem.severity === "error");
