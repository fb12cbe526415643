/** Caches what a sessions worker found, together with what it read; it is lost at boot, as processes are. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { type Observation, observation } from "../../shared/sessions/session-schemas.ts";

const FOLDER = "/run/tmux-persist";
const kept = z.strictObject({ key: z.string(), observation });

/** Undefined unless it was found by the very same. */
export function cachedObservation(sys: System, osUser: string, key: string): Observation | undefined {
  const bytes = sys.read(`${FOLDER}/${osUser}.json`);
  const found = bytes === undefined ? undefined : kept.safeParse(parseJsonOrUndefined(bytes.toString("utf8"))).data;
  return found?.key === key ? found.observation : undefined;
}

export function cacheObservation(sys: System, osUser: string, key: string, found: Observation): void {
  sys.makeDirectory(FOLDER, 0o700);
  sys.replaceFile(`${FOLDER}/${osUser}.json`, { bytes: JSON.stringify({ key, observation: found }), mode: 0o600 });
}
