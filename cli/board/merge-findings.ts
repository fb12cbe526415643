/** Combines the findings of all surfaces into one board. Every rendering is made from this board. */

import type { OsUser } from "../../roster/model.ts";
import type { Derivation } from "../../roster/derive/derive.ts";
import { type Finding, rowKey, type Owner } from "./finding.ts";
import { splitMembers } from "./split-members.ts";
import { type Board, boardForm, type Cell, type Row, SURFACES, type Surface, worst } from "./model.ts";
import type { Wanted } from "./pending-changes.ts";
import type { DeployedState } from "../stack/deployed-resources.ts";
import { type Register, surfaceOf } from "./resource-owner.ts";
import type { Clean } from "./sanitize-text.ts";

export interface Collected {
  readonly stack: string;
  /** ISO 8601. */
  readonly takenAt: string;
  readonly lastDeployment: Board["lastDeployment"];
  readonly decided: Pick<Derivation, "desired" | "plan" | "brakes">;
  readonly notices: readonly string[];
  readonly memory: DeployedState;
  readonly register: Register;
  readonly wanted: readonly Wanted[];
  /** Surfaces that the stack has. */
  readonly surfaces: readonly Surface[];
  readonly findings: readonly Finding[];
  /** Each host's last delivery by its name. */
  readonly deliveries: ReadonlyMap<string, string | undefined>;
  /** When the site was last brought to what its folder holds; absent where it never was, or nobody can tell. */
  readonly siteSyncedAt?: string | undefined;
}

/** @param clean takes secrets and control characters out of whatever came from elsewhere */
export function boardOf(collected: Collected, clean: Clean): Board {
  const { stack, takenAt, lastDeployment, decided, memory, notices } = collected;
  const brakes = decided.brakes.map(({ message }) => `A deployment would stop before any change: ${message}`);
  const interrupted = memory.interrupted.map((name) => `The last deployment was interrupted at ${name}.`);
  const board: Board = {
    version: 1,
    stack,
    takenAt,
    ...(lastDeployment === undefined ? {} : { lastDeployment }),
    plan: decided.plan.map(clean),
    notices: [...notices, ...brakes, ...interrupted].map(clean),
    rows: rowsOf(collected, clean),
  };
  return boardForm.parse(board);
}

function rowsOf(collected: Collected, clean: Clean): Row[] {
  const { surfaces, decided, findings } = collected;
  const byRow = new Map<string, Finding[]>();
  for (const one of findings) byRow.set(rowKey(one.whose), [...(byRow.get(rowKey(one.whose)) ?? []), one]);
  const delivered = deliveredTimes(collected);
  const places = placesOf(collected);
  const cellsOf = (owner: Owner, on: readonly Surface[]): Cell[] =>
    on.flatMap((surface) => {
      const ours = (byRow.get(rowKey(owner)) ?? []).filter((one) => one.surface === surface);
      // Who has nothing on a surface is not converged there either.
      if (ours.length === 0 && !places.has(`${rowKey(owner)} ${surface}`)) return [];
      const deliveredAt = owner === "site" ? collected.siteSyncedAt : delivered.get(`${rowKey(owner)} ${surface}`);
      return {
        surface,
        state: worst(ours.map(({ state }) => state)),
        ...(deliveredAt === undefined ? {} : { deliveredAt }),
        details: [...new Set(ours.map(({ what }) => clean(what)))].sort(),
      };
    });
  const forPeople = surfaces.filter((surface) => surface !== "site");
  const person = (osUser: OsUser, standing: Row["standing"] & string): Row => {
    return { kind: "person", name: osUser, standing, cells: cellsOf({ person: osUser }, forPeople) };
  };
  const { people, left } = decided.desired;
  return [
    ...[...people.values()].sort(byName).map(({ osUser, parked }) => person(osUser, parked ? "parked" : "present")),
    ...[...left.values()].sort(byName).map(({ osUser }) => person(osUser, "left")),
    { kind: "everybody", name: "everybody", cells: cellsOf("everybody", forPeople) },
    ...(surfaces.includes("site")
      ? [{ kind: "site" as const, name: "stem95su", cells: cellsOf("site", ["site"]) }]
      : []),
  ];
}

const byName = (a: { readonly osUser: OsUser }, b: { readonly osUser: OsUser }) => (a.osUser < b.osUser ? -1 : 1);

/** Where each row has, or is to have, anything. */
function placesOf({ memory, wanted, register }: Collected): ReadonlySet<string> {
  const places = new Set<string>();
  for (const { type, inputs } of [...wanted, ...memory.resources.values()]) {
    const owner = register.of(type, inputs);
    const surface = surfaceOf(type, owner);
    places.add(`${rowKey(owner)} ${surface}`);
    for (const member of splitMembers(type, inputs).members.values())
      places.add(`${rowKey(register.ofMember(member))} ${surface}`);
  }
  return places;
}

/** The newest of what was made for a row on a surface; a host knows better than the engine when it was last delivered to. */
function deliveredTimes({ memory, register, deliveries }: Collected): ReadonlyMap<string, string> {
  const times = new Map<string, string>();
  const note = (key: string, time: string | undefined) => {
    if (time !== undefined && Date.parse(time) > Date.parse(times.get(key) ?? EARLIEST)) times.set(key, time);
  };
  for (const { type, name, inputs, modifiedAt } of memory.resources.values()) {
    const owner = register.of(type, inputs);
    const surface = surfaceOf(type, owner);
    const host = surface === "host" ? [...deliveries.keys()].find((one) => isOn(name, one)) : undefined;
    note(`${rowKey(owner)} ${surface}`, (host === undefined ? undefined : deliveries.get(host)) ?? modifiedAt);
    for (const member of splitMembers(type, inputs).members.values())
      note(`${rowKey(register.ofMember(member))} ${surface}`, modifiedAt);
  }
  return times;
}

const isOn = (name: string, host: string) => name.startsWith(`${host}-`) || name.includes(`@${host}-`);

const EARLIEST = new Date(0).toISOString();

/** Which surfaces the stack has. */
export const surfacesOf = (has: Readonly<Record<Exclude<Surface, "host">, unknown>>): readonly Surface[] =>
  SURFACES.filter((surface) => surface === "host" || has[surface] !== undefined);
