/** Implements `npm run docs`: writes the generated reference pages. */

import { writeFileSync } from "node:fs";
import { configurationPage } from "./docs/configuration.ts";
import { rosterPage } from "./docs/roster.ts";

writeFileSync(new URL("../docs/configuration.md", import.meta.url), configurationPage());
writeFileSync(new URL("../docs/roster.md", import.meta.url), rosterPage());
