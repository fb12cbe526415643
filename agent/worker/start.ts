/** The entry of the workers' own small bundle: one starts once a person and run, without anything that root alone uses. */

import { tell } from "../refusal.ts";
import { clean } from "../say.ts";
import { workOnSessions } from "../sessions/worker/main.ts";
import { work } from "./main.ts";

const half = process.argv[2] === "sessions" ? workOnSessions : work;
half().catch((error: unknown) => {
  process.stderr.write(`${clean(tell(error))}\n`);
  process.exitCode = 1;
});
