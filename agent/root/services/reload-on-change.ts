/** Writes files that a running service has to reload, reloads it, and records that it has. */

import { digestOfJson } from "../../lib/digest-of-json.ts";
import type { Point } from "../../lib/failpoints.ts";
import { type Sentence, type Step, says } from "../../lib/converge.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { STATE } from "../state/json-files.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { fileChanges, type GeneratedFile } from "../system/generated-files.ts";

export interface ReloadedFiles {
  readonly name: string;
  /** Whose memory it is: a file name below root's state. */
  readonly key: string;
  readonly files: readonly GeneratedFile[];
  readonly filePoint: Point;
  readonly loadPoint: Point;
  readonly loadSays: Sentence;
  load(): Promise<unknown>;
}

/**
 * A run that is killed between writing and loading leaves right files and a service that knows the old ones; the next one loads.
 * A file that was changed and is as it once was has a new time of change, by which it is known to be loaded no more.
 */
export function reloadOnChange(m: Machine, of: ReloadedFiles): Step {
  const path = `${STATE}/loaded/${of.key}`;
  // Of the inode: a file that is moved away and back, or copied with its times, keeps the time of its content.
  const changedAtMs = (file: string) => m.sys.look(file)?.ctimeMs ?? 0;
  const present = () => digestOfJson(of.files.map((file) => ({ ...file, changedAtMs: changedAtMs(file.path) })));
  const isLoaded = () => {
    const loaded = m.sys.read(path)?.toString("utf8");
    if (loaded === present()) return true;
    // Earlier versions recorded no times: what was written after the last change of the files still holds.
    const isLatest = of.files.every((file) => changedAtMs(file.path) <= changedAtMs(path));
    return loaded === digestOfJson(of.files) && isLatest;
  };
  return {
    name: of.name,
    differences: () => {
      const changes = fileChanges(m.sys, of.files, of.filePoint);
      if (changes.length === 0 && isLoaded()) return [];
      const apply = async () => {
        const loaded = present();
        await of.load();
        m.sys.makeDirectory(`${STATE}/loaded`, 0o700);
        m.sys.replaceFile(path, { bytes: loaded, mode: 0o600 });
      };
      return [...changes, { point: of.loadPoint, says: of.loadSays, apply }];
    },
  };
}

/** Unit files and drop-ins, loaded by systemd. */
export const reloadSystemdOnChange = (m: Machine, of: Omit<ReloadedFiles, "load" | "loadSays">): Step =>
  reloadOnChange(m, {
    ...of,
    loadSays: says("reload", "systemd's configuration"),
    load: () => runOrThrow(m.sys, ["/usr/bin/systemctl", "daemon-reload"]),
  });
