/** Records who is parked on this host, from before their sessions end until these are restored. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

const parkingRecord = z.strictObject({});

export const parkingFile = (who: string): string => `${STATE}/parked/${who}.json`;
export const isParkingRecorded = (sys: System, who: string): boolean =>
  readJson(sys, parkingFile(who), parkingRecord) !== undefined;
export const writeParking = (sys: System, who: string): void => writeJson(sys, parkingFile(who), {});
export const removeParking = (sys: System, who: string): void => sys.remove(parkingFile(who));
