/** Records what offboarding took from an account, so that reinstating it returns exactly that. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

const offboardingRecord = z.strictObject({
  locked: z.boolean(),
  /** The expiry that was there before, in days since 1970. */
  expires: z.int().optional(),
  groups: z.array(z.string()),
  /** Of records of former versions; everybody who is present lingers. */
  linger: z.boolean().optional(),
});
/** What offboarding found, so that reinstating returns exactly that. */
export type OffboardingRecord = z.output<typeof offboardingRecord>;

export const offboardingFile = (osUser: string): string => `${STATE}/cuts/${osUser}.json`;
export const readOffboarding = (sys: System, osUser: string): OffboardingRecord | undefined =>
  readJson(sys, offboardingFile(osUser), offboardingRecord);
export const writeOffboarding = (sys: System, osUser: string, of: OffboardingRecord): void =>
  writeJson(sys, offboardingFile(osUser), of);
export const removeOffboarding = (sys: System, osUser: string): void => sys.remove(offboardingFile(osUser));
