/** Runs a step of the pipelines, compiled once: `node --import tsx ci/main.ts STEP`. */

import { load } from "../launcher/load.mjs";

await load("ci", "ci/steps.ts");
