/** Records when the last delivery ended and how long the present one has taken, and reads the hold that an admin has set. */

import { z } from "zod";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

const delivered = z.strictObject({ atMs: z.number() });

/** When the program last finished a delivery, in ms since 1970; undefined when it never did, or the record is damaged. */
export function readDeliveredAt(sys: System): number | undefined {
  const text = sys.read(`${STATE}/delivered.json`)?.toString("utf8");
  return text === undefined ? undefined : delivered.safeParse(parseJsonOrUndefined(text)).data?.atMs;
}

export const writeDeliveredAt = (sys: System, atMs: number): void =>
  writeJson(sys, `${STATE}/delivered.json`, { atMs });

/** Why the hourly run is to do nothing, or undefined when it may. */
export const readHold = (sys: System): string | undefined => sys.read(`${STATE}/hold`)?.toString("utf8").trim();

/** In memory only: a delivery that a reboot interrupts starts anew. */
const FILE = "/run/workstation/delivery.json";
const delivery = z.strictObject({ workedMs: z.number().min(0) });

/** By the commands since the last `settle`, in ms. */
export const readDeliveryDuration = (sys: System): number => readJson(sys, FILE, delivery)?.workedMs ?? 0;

export function addToDeliveryDuration(sys: System, workedMs: number): void {
  sys.makeDirectory("/run/workstation", 0o755);
  const bytes = JSON.stringify({ workedMs: readDeliveryDuration(sys) + workedMs });
  sys.replaceFile(FILE, { bytes, mode: 0o600 });
}

export const removeDeliveryDuration = (sys: System): void => sys.remove(FILE);
