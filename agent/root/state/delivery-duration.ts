/** How long the commands of one delivery have worked on this host: as much again is what `settle` may wait for one person. */

import { z } from "zod";
import { readJson } from "./store.ts";
import type { System } from "../system/privileged-operations.ts";

const FILE = "/run/workstation/delivery.json";
const delivery = z.strictObject({ workedMs: z.number().min(0) });

/** By the commands since the last `settle`, in ms. */
export const readDelivery = (sys: System): number => readJson(sys, FILE, delivery)?.workedMs ?? 0;

export function addToDelivery(sys: System, workedMs: number): void {
  sys.makeDirectory("/run/workstation", 0o755);
  const bytes = JSON.stringify({ workedMs: readDelivery(sys) + workedMs });
  sys.replaceFile(FILE, { bytes, mode: 0o600 });
}

export const endDelivery = (sys: System): void => sys.remove(FILE);
