/** Wraps the privileged operations for a dry run: reads pass, and a write is an error. */

import type { System } from "./privileged-operations.ts";

/** No `...real`: a new verb of `System` does not compile until it is decided here. */
export const dryRun = ({ read, look, list, readLink, readProcess, run }: System): System => ({
  read,
  look,
  list,
  readLink,
  readProcess,
  run: (argv, options) => (options?.reads ? run(argv, options) : refuse(`run ${argv.join(" ")}`)),
  replaceFile: (path) => refuse(`replace ${path}`),
  makeDirectory: (path) => refuse(`make ${path}`),
  replaceLink: (path) => refuse(`link ${path}`),
  move: (from) => refuse(`move ${from}`),
  remove: (path) => refuse(`remove ${path}`),
  makeHome: (home) => refuse(`make ${home}`),
  closeHome: (home) => refuse(`close ${home}`),
  renameHome: (from) => refuse(`rename ${from}`),
  linkHome: (at) => refuse(`link ${at}`),
});

function refuse(what: string): never {
  throw new Error(`a dry run may only look, and a step wanted to ${what}`);
}
