/** Authorizes a visitor by identity, dispatch table and list of admins, which are looked at for every request. */

import { cachedFile } from "../cached-file.ts";
import type { Dispatch } from "../code-server-proxy/dispatch-table.ts";
import { identityOf } from "../code-server-proxy/request-identity.ts";
import type { Refused } from "../require-ingress-secret.ts";
import { seldom } from "../log.ts";

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

/** @param rawHeaders as node gives them, names and values in turn */
export type AuthorizeVisitor = (rawHeaders: readonly string[]) => Visitor | Refused;

/** Reads each list again only when it has changed: requests without end must take no file descriptor each. */
export function visitorAuthorization({ dispatch, admins, log }: Lists): AuthorizeVisitor {
  const listed = cachedFile(admins, (text) => new Set(text.split("\n")));
  const note = seldom(log, Date.now);
  return (rawHeaders) => {
    const identity = identityOf(rawHeaders);
    if ("refused" in identity) return { status: 403, why: `You are not let in: ${identity.refused}.` };
    try {
      const entry = dispatch.read().get(identity.name);
      if (entry === undefined) return { status: 403, why: "There is no workstation for you on this host." };
      return {
        name: identity.name,
        osUser: entry.os_user,
        parked: entry.parked === true,
        admin: listed().has(entry.os_user),
      };
    } catch (error) {
      note(`the lists cannot be read, so nobody is let in: ${error instanceof Error ? error.message : "broken"}`);
      return { status: 503, why: "The list of workstations cannot be read at the moment." };
    }
  };
}
