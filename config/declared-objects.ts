/** Reads and writes which objects of the cluster a run has declared: what the next one does not find there, it is about to create. */

import { z } from "zod";

/** By namespace, empty for what is in none: each object as `ResourceQuota quota`. */
export type DeclaredObjects = ReadonlyMap<string, ReadonlySet<string>>;

/** Tenants' namespaces are much alike, so each set of objects stands once, and a namespace has its place. */
export const declaredObjectsSchema = z.object({
  sets: z.array(z.array(z.string())),
  namespaces: z.record(z.string(), z.int().nonnegative()),
});

/** The form that stands in the stack's output. */
export type WrittenObjects = z.output<typeof declaredObjectsSchema>;

export function writeDeclaredObjects(objects: DeclaredObjects): WrittenObjects {
  const places = new Map<string, number>();
  const sets: (readonly string[])[] = [];
  const namespaces = [...objects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, found]) => {
      const sorted = [...found].sort();
      const key = JSON.stringify(sorted);
      const place = places.get(key) ?? sets.push(sorted) - 1;
      places.set(key, place);
      return [namespace, place] as const;
    });
  return { sets: sets.map((set) => [...set]), namespaces: Object.fromEntries(namespaces) };
}

export const readDeclaredObjects = ({ sets, namespaces }: WrittenObjects): DeclaredObjects =>
  new Map(Object.entries(namespaces).map(([namespace, place]) => [namespace, new Set(sets[place])]));
