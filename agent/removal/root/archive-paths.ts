/** Names the folders and files of archives and of a removal's journal. */

import { loadPart } from "../../root/state/parts.ts";
import { STATE } from "../../root/state/json-files.ts";
import type { System } from "../../root/system/privileged-operations.ts";

/** What of a removal is done: a run that was killed is finished by the next one. */
export const journalOf = (who: string): string => `${STATE}/removals/${who}.json`;

/** Root's alone; the setting `devvm.archives` puts it on a disk with room. */
export const archivesOf = (sys: System): string => loadPart(sys, "base")?.archives ?? `${STATE}/archives`;

/** The files of one archive, in a folder of its own. */
export const HOME_FILE = "home.tar.gz";
export const MANIFEST_FILE = "files.jsonl.gz";
export const RECORD_FILE = "record.json";
