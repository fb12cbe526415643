/** Reads the list of files that still use words which docs/language.md replaces; run directly, writes it anew. */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Finding, findings } from "./language.ts";
import { ROOT, text } from "./sources.ts";

const LIST = "test/house/language-offenders.txt";

/** One line of the list. */
export const entryOf = ({ kind, file, word }: Finding): string => `${kind} ${file}: ${word}`;

/** The lines of the list. */
export const offenders = (): readonly string[] =>
  text(LIST)
    .split("\n")
    .filter((line) => line !== "");

/** Writes today's offenders. A file may have been moved, but the list must not get longer. */
function update(): void {
  const before = offenders();
  const now = [...new Set(findings().map(entryOf))].sort();
  if (now.length > before.length) {
    const added = now.filter((entry) => !before.includes(entry));
    process.stderr.write(
      `${LIST}: ${now.length} entries instead of ${before.length}; fix these:\n${added.join("\n")}\n`,
    );
    process.exitCode = 1;
    return;
  }
  writeFileSync(`${ROOT}/${LIST}`, now.map((entry) => `${entry}\n`).join(""));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) update();
