/** Implements `npm run schema`: writes the editor's JSON Schema beside the roster. */

import { writeFileSync } from "node:fs";
import { canonicalJson, type Json } from "../roster/text/canonical-json.ts";
import { rosterJsonSchema } from "../roster/schema/json-schema.ts";

writeFileSync(new URL("../roster.schema.json", import.meta.url), canonicalJson(rosterJsonSchema() as Json));
