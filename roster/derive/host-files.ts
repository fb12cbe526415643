/** Renders the generated files of one host, to the byte. */

import type { HostFiles, Person } from "../model.ts";
import { canonicalJson } from "../text/canonical-json.ts";
import { sorted } from "../text/code-unit-order.ts";
import { TIERS } from "../tiers.ts";

const GENERATED = "# Generated from roster.yaml. Do not edit: the host's hourly run writes it again.";

/** `people` are those of this host, in any order. A parked person has no terminal and keeps their place in the other maps. */
export function hostFiles(people: readonly Person[]): HostFiles {
  return {
    files: new Map([
      ["/etc/t3-serve/dispatch.json", dispatchTable(people)],
      ["/etc/ttyd-admins", adminList(people)],
      ["/etc/ttyd-user-map", terminalMap(people)],
    ]),
  };
}

/** Header, then `authentik_user=os_user` lines in the order of the ports. Neither side can hold a `=`. */
export function terminalMap(people: readonly Person[]): string {
  const byPort = people.filter(({ parked }) => !parked).sort((a, b) => a.ports.t3 - b.ports.t3);
  return [GENERATED, ...byPort.map((person) => `${person.authentikUser}=${person.osUser}`), ""].join("\n");
}

/** Header, then the admins' OS names, sorted. Without a name nobody is one. */
export function adminList(people: readonly Person[]): string {
  const admins = people.filter((person) => TIERS[person.tier].administers).map((person) => person.osUser);
  return [GENERATED, ...sorted(admins), ""].join("\n");
}

/** `authentik_user` to where their code server is; the proxy answers a parked person with a page that says so. */
export function dispatchTable(people: readonly Person[]): string {
  return canonicalJson(
    new Map(
      people.map((person) => [
        person.authentikUser as string,
        { os_user: person.osUser, port: person.ports.t3, ...(person.parked ? { parked: true } : {}) },
      ]),
    ),
  );
}
