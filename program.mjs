/** Runs `index.ts` for the engine, compiled once. */

import { load } from "./launcher/load.mjs";

export default (await load("program", "index.ts")).default;
