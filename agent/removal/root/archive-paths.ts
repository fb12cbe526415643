/** Names the folders and files of archives and of a removal's journal. */

import { loadPart } from "../../root/state/stored-parts.ts";
import { STATE } from "../../root/state/json-files.ts";
import type { System } from "../../root/system/privileged-operations.ts";

/** What of a removal is done: a run that was killed is finished by the next one. */
export const journalOf = (osUser: string): string => `${STATE}/removals/${osUser}.json`;

/** Readable by root alone. The setting `devvm.archives` moves it to a larger disk. */
export const archivesOf = (sys: System): string => loadPart(sys, "base")?.archives ?? `${STATE}/archives`;

/** The files of one archive, in a folder of its own. */
export const HOME_FILE = "home.tar.gz";
export const MANIFEST_FILE = "files.jsonl.gz";
export const RECORD_FILE = "record.json";
