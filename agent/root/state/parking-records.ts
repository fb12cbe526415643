/** Records who is parked on this host, from before their sessions end until these are restored. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

const parkingRecord = z.strictObject({
  /** The number of the sessions' record that returns; absent where there was none, and in files of older versions. */
  record: z.int().positive().optional(),
  /** Everything but the sessions has returned. */
  returning: z.literal(true).optional(),
});

/** Describes a parked user, for their return. */
export type Parking = z.output<typeof parkingRecord>;

export const parkingFile = (osUser: string): string => `${STATE}/parked/${osUser}.json`;
export const readParking = (sys: System, osUser: string): Parking | undefined =>
  readJson(sys, parkingFile(osUser), parkingRecord);
export const writeParking = (sys: System, osUser: string, parking: Parking): void =>
  writeJson(sys, parkingFile(osUser), parking);
export const removeParking = (sys: System, osUser: string): void => sys.remove(parkingFile(osUser));
