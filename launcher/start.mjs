/** Starts a program of this checkout: `node launcher/start.mjs NAME ENTRY ARGUMENT…`. */

import { load, ROOT } from "./load.mjs";

const [, , name, entry] = process.argv;
// The program finds its own arguments where node puts them.
process.argv.splice(1, 3, `${ROOT}${entry}`);

await load(name, entry);
