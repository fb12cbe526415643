/** Reads the portal's own files, by name. In the bundle this module is replaced by one that holds their texts. */

import { readFileSync } from "node:fs";
import { terminalBrowserFiles } from "../terminal/browser-files.ts";

let built: ReadonlyMap<string, string> | undefined;

/** @throws when there is no such file in `portal/page/files`, and it is not made from `portal/terminal/browser`. */
export function asset(name: string): string {
  if (!name.startsWith("terminal.")) return readFileSync(new URL(`./files/${name}`, import.meta.url), "utf8");
  built ??= terminalBrowserFiles();
  const text = built.get(name);
  if (text === undefined) throw new Error(`no such file of the terminal's page: ${name}`);
  return text;
}
