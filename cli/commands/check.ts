/** Implements `./ws check`: reports everything that is wrong with a roster, and changes nothing. */

import { today } from "../../config/desired-state.ts";
import { expiredRows } from "../../roster/derive/expire-rows.ts";
import { loadRoster } from "../../roster/load.ts";
import type { Policy, Problem, UserMap } from "../../roster/model.ts";
import { contradictingQuotas } from "../../roster/rules/merged-quotas.ts";
import { counted } from "../../roster/text/quote.ts";
import { checkAgainstUserMap } from "../../roster/user-map.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { userMapFrom } from "../load-user-map.ts";
import { readInput } from "../read-input.ts";
import { fileReport, hasErrors, problemLines } from "../show-problems.ts";
import { policyOf, STACK_HELP, STACK_OPTIONS } from "../stack-options.ts";

export const check: Command = {
  help: `Usage: ./ws check [--json] [--k8s-users FILE] [--host NAME]… FILE…

Reads each roster and says everything that is wrong with it: file, line, column, the person,
what was found and what would be right. Changes nothing. "-" reads standard input.

  --k8s-users FILE    also compare with the cluster's user map (the JSON of k8s_users)
${STACK_HELP}
  --json              one JSON object a line and file, for programs

Exit code: 0 when all is well (warnings are allowed), 1 with problems, 2 when called the wrong way.`,
  run: (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...STACK_OPTIONS,
      json: { type: "boolean" },
      "k8s-users": { type: "string" },
    });
    if (positionals.length === 0) throw new UsageError("check expects the roster file, as in: ./ws check roster.yaml");
    const policy = policyOf(values);
    const { userMap, problems: ofTheMap } = userMapFrom(values["k8s-users"]);
    let failed = false;
    for (const file of positionals) {
      const { people, problems: own } = problemsOf(file, policy, userMap);
      const problems = [...ofTheMap, ...own];
      failed ||= hasErrors(problems);
      if (values.json === true) terminal.out(JSON.stringify(fileReport(file, problems)));
      else if (problems.length > 0) terminal.out(problemLines(problems, terminal.paint));
      if (values.json !== true) {
        terminal.out(
          hasErrors(problems)
            ? failure(file, problems)
            : `${file}: ${terminal.paint("green", "ok")}, ${counted(people, "person", "people")}`,
        );
      }
    }
    return failed ? 1 : 0;
  },
};

function problemsOf(
  file: string,
  policy: Policy,
  userMap: UserMap | undefined,
): { readonly people: number; readonly problems: readonly Problem[] } {
  const input = readInput(file);
  if (!input.ok) return { people: 0, problems: [input.problem] };
  const loaded = loadRoster(input.bytes, file, policy);
  if (!loaded.ok) return { people: 0, problems: loaded.problems };
  const { roster, warnings } = loaded;
  const compared = userMap === undefined ? [] : checkAgainstUserMap(roster, userMap);
  const quotas = contradictingQuotas(roster, policy, {
    source: userMap === undefined ? "the stack's settings" : `the user map (${userMap.file})`,
    quotaOf: ({ k8sUser }) => userMap?.entries.get(k8sUser)?.quota ?? {},
  });
  const expired = expiredRows(roster, today(), policy);
  return { people: roster.rows.size, problems: [...warnings, ...compared, ...quotas, ...expired] };
}

function failure(file: string, problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  return `${file}: ${counted(errors, "problem", "problems")}; fix ${errors === 1 ? "it" : "them"} before the next deployment`;
}
