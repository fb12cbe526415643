/** Reads the portal's own files, by name. In the bundle this module is replaced by one that holds their texts. */

import { readFileSync } from "node:fs";

/** @throws when there is no such file in `portal/page/files`. */
export function asset(name: string): string {
  return readFileSync(new URL(`./files/${name}`, import.meta.url), "utf8");
}
