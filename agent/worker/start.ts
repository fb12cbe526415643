/** The entry of the workers' own small bundle: one starts once a person and run, without anything that root alone uses. */

import { tell } from "../refusal.ts";
import { clean } from "../say.ts";
import { workOnFacts } from "../facts/worker/main.ts";
import { tellMe } from "../facts/worker/me.ts";
import { workOnSessions } from "../sessions/worker/main.ts";
import { work } from "./main.ts";

const halves: Readonly<Record<string, () => Promise<number>>> = {
  work,
  sessions: workOnSessions,
  facts: workOnFacts,
  me: () => tellMe(process.argv.slice(3)),
};
const half = halves[process.argv[2] ?? "work"] ?? work;
half().catch((error: unknown) => {
  process.stderr.write(`${clean(tell(error))}\n`);
  process.exitCode = 1;
});
