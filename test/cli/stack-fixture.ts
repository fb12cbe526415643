/** A folder with a stack in it: what `./ws` asks of `pulumi` is answered from files there, so no engine is wanted. */

import { chmodSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Ledger } from "../../roster/model.ts";
import { writeLedger } from "../../roster/ledger.ts";
import { ALL_DELIVERED, type Undelivered, writeUndelivered } from "../../roster/undelivered-changes.ts";
import { LEAST, raw } from "../config/raw-config.ts";
import { workbench } from "./run-ws.ts";

/** Answers `config` and `stack output` from files, `stack ls` with one stack, and notes what it was asked. `ANSWER` makes it fail in pulumi's own words. */
const PULUMI = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/asked"
if [ -n "$ANSWER" ]; then echo "$ANSWER" >&2; exit 255; fi
case "$1 $2" in
  "stack ls") echo '[{"name":"test","current":true}]' ;;
  "config "*) cat "$here/config.json" ;;
  "stack "*) cat "$here/outputs.json" ;;
esac
`;

/** @param files by their names, as for a workbench */
export function stackBench(files: Readonly<Record<string, string>>) {
  const bench = workbench({ pulumi: PULUMI, "outputs.json": "{}", ...files });
  chmodSync(join(bench.folder, "pulumi"), 0o755);
  return {
    ...bench,
    /** A PATH with this stack's `pulumi`; of the machine's own only node and the system's. */
    path: [bench.folder, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
    /** The stack's configuration: the least, with the roster of this name. @param secret the value that is one */
    configure: (roster: string, settings: object = {}, secret?: string) => {
      const values = raw({ ...LEAST, roster: join(bench.folder, roster), ...settings });
      const entries = Object.entries(values).map(([key, value]) => [key, { value, secret: value === secret }]);
      bench.write("config.json", JSON.stringify(Object.fromEntries(entries)));
    },
    /** What the last deployment has left. */
    deployed: (ledger: Ledger, undelivered: Undelivered = ALL_DELIVERED) =>
      bench.write(
        "outputs.json",
        JSON.stringify({ ledger: writeLedger(ledger), undelivered: writeUndelivered(undelivered) }),
      ),
  };
}
