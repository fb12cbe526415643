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
const MEMORY = "/run/workstation/cuts";
/** Where a record waits, in memory, while the disk takes none. */
export const waitingOffboardingFile = (osUser: string): string => `${MEMORY}/${osUser}.json`;

/** Whether offboarding is recorded. A damaged record is one too. */
export const hasOffboarding = (sys: System, osUser: string): boolean =>
  [offboardingFile, waitingOffboardingFile].some((of) => sys.look(of(osUser)) !== undefined);

/** Whether a record has yet to be written to the disk. */
export const isOffboardingUnsaved = (sys: System, osUser: string): boolean =>
  sys.look(offboardingFile(osUser)) === undefined;

/** @throws Refusal when the record is damaged */
export const readOffboarding = (sys: System, osUser: string): OffboardingRecord | undefined =>
  readJson(sys, offboardingFile(osUser), offboardingRecord) ??
  readJson(sys, waitingOffboardingFile(osUser), offboardingRecord);

/** @throws where the disk takes no record: then it waits in memory, and the next run writes it */
export function writeOffboarding(sys: System, osUser: string, of: OffboardingRecord): void {
  try {
    writeJson(sys, offboardingFile(osUser), of);
  } catch (error) {
    sys.makeDirectory("/run/workstation", 0o755);
    sys.makeDirectory(MEMORY, 0o700);
    sys.replaceFile(waitingOffboardingFile(osUser), { bytes: `${JSON.stringify(of)}\n`, mode: 0o600 });
    throw error;
  }
  sys.remove(waitingOffboardingFile(osUser));
}

export function removeOffboarding(sys: System, osUser: string): void {
  sys.remove(offboardingFile(osUser));
  sys.remove(waitingOffboardingFile(osUser));
}
