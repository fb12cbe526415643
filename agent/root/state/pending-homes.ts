/** Records whose home this program has yet to make, from before the account is made until the home is there. */

import { z } from "zod";
import type { System } from "../system/privileged-operations.ts";
import { readJson, STATE, writeJson } from "./json-files.ts";

const pendingHome = z.strictObject({ uid: z.int() });

/** By uid, which no rename changes. */
export const pendingHomeFile = (uid: number): string => `${STATE}/pending-homes/${uid}.json`;
/** @throws Refusal when the record is damaged */
export const isHomePending = (sys: System, uid: number): boolean =>
  readJson(sys, pendingHomeFile(uid), pendingHome) !== undefined;
export const recordPendingHome = (sys: System, uid: number): void => writeJson(sys, pendingHomeFile(uid), { uid });
export const removePendingHome = (sys: System, uid: number): void => sys.remove(pendingHomeFile(uid));
