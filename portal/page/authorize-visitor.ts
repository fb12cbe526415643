/** Authorizes a visitor by identity, dispatch table and list of admins, which are read for every request. */

import { readFileSync } from "node:fs";
import type { Dispatch } from "../code-server-proxy/dispatch-table.ts";
import { identityOf } from "../code-server-proxy/request-identity.ts";
import type { Refused } from "../ingress-guard.ts";

export interface Visitor {
  /** As they signed in. */
  readonly name: string;
  readonly osUser: string;
  readonly parked: boolean;
  readonly admin: boolean;
}

export interface Lists {
  readonly dispatch: Dispatch;
  /** Path of the list of admins' OS names. */
  readonly admins: string;
  readonly log: (line: string) => void;
}

export function authorizeVisitor(rawHeaders: readonly string[], { dispatch, admins, log }: Lists): Visitor | Refused {
  const identity = identityOf(rawHeaders);
  if ("refused" in identity) return { status: 403, why: `You are not let in: ${identity.refused}.` };
  try {
    const entry = dispatch.read().get(identity.name);
    if (entry === undefined) return { status: 403, why: "There is no workstation for you on this host." };
    const listed = readFileSync(admins, "utf8").split("\n");
    return {
      name: identity.name,
      osUser: entry.os_user,
      parked: entry.parked === true,
      admin: listed.includes(entry.os_user),
    };
  } catch (error) {
    log(`the lists cannot be read, so nobody is let in: ${error instanceof Error ? error.message : "broken"}`);
    return { status: 503, why: "The list of workstations cannot be read at the moment." };
  }
}
