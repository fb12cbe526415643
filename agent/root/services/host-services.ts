/** Tells which services a host offers its people, from its base part. */

import type { BasePart } from "../../contract.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { loadPart } from "../state/stored-parts.ts";

/** By the name of its command; and whether there are terminals in the browser, which the user portal opens. */
export type HostServices = Readonly<Record<keyof BasePart["commands"] | "terminals", boolean>>;

/** What a host with this part offers. A host without one fails at what it has not been given, so it counts as offering every command. */
export const servicesOf = (base: BasePart | undefined): HostServices => ({
  t3: base === undefined || base.commands.t3 !== undefined,
  browser: base === undefined || base.commands.browser !== undefined,
  credentialSync: base === undefined || base.commands.credentialSync !== undefined,
  terminals: base?.lobby !== undefined,
});

/** @throws Refusal when the stored base part is damaged */
export const servicesOfHost = (m: Machine): HostServices => servicesOf(loadPart(m.sys, "base"));
