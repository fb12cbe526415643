/** Reads what a host answers to `workstation reconcile --check --json`. */

import { type HostCheck, hostCheck } from "../agent/shared/host-check.ts";
import { parseJson } from "../clients/parse-json.ts";

/** @returns undefined for an answer of another form, such as an older agent's */
export const readHostCheck = (stdout: string): HostCheck | undefined => hostCheck.safeParse(parseJson(stdout)).data;
