/** The entry point that the engine runs: `index.ts`, compiled once. */

import { load } from "./launcher/load.mjs";

export default (await load("program", "index.ts")).default;
