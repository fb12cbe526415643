/** Reads and changes entities and aliases: which entity a sign-in of Vault leads to. */

import { z } from "zod";
import { change as changeExisting, type Vault, VaultError } from "./client.ts";

const alias = z.object({ id: z.string(), name: z.string(), mount_accessor: z.string() });
const entity = z.object({
  id: z.string(),
  name: z.string(),
  // Vault always says these, and null for an empty list: an answer without them would be an entity without rights.
  disabled: z.boolean(),
  policies: z
    .array(z.string())
    .nullable()
    .transform((list) => list ?? []),
  aliases: z
    .array(alias)
    .nullable()
    .transform((list) => list ?? []),
});
const answer = z.object({ data: entity });
const mounts = z.object({ data: z.record(z.string(), z.looseObject({ accessor: z.string().optional() })) });
const created = z.object({ data: z.object({ id: z.string() }) });

/** Vault looks an alias up without regard to case, and keeps it as it was written. */
export const folded = (name: string): string => name.toLowerCase();

type Alias = z.output<typeof alias>;
export type Entity = z.output<typeof entity>;

export interface Identities {
  byId(id: string): Promise<Entity | undefined>;
  byName(name: string): Promise<Entity | undefined>;
  /** The one that a sign-in under this name through the mount leads to. */
  byAlias(name: string): Promise<Entity | undefined>;
  create(name: string, policies: readonly string[]): Promise<Entity>;
  change(
    id: string,
    change: { readonly name?: string; readonly policies?: readonly string[]; readonly disabled?: boolean },
  ): Promise<void>;
  /**
   * Makes sign-ins under this name lead to the entity, and those under its former name lead to it no longer: Vault allows
   * an entity one alias a mount. An alias of another entity is moved.
   */
  point(name: string, entity: Entity): Promise<void>;
  /** Makes no sign-in of this mount lead to the entity. */
  unpoint(entity: Entity): Promise<void>;
  /** The names under which a sign-in of this mount leads to the entity. */
  aliasNames(entity: Entity): Promise<readonly string[]>;
}

/** @param mount path of the auth mount whose aliases are meant */
export function identities(vault: Vault, mount: string, signal: AbortSignal): Identities {
  let known: string | undefined;
  const accessor = async (): Promise<string> => {
    if (known !== undefined) return known;
    const ask = { method: "GET", path: "sys/auth", purpose: `find the auth mount "${mount}"` } as const;
    known = (await vault.find(ask, mounts, signal))?.data[`${mount}/`]?.accessor;
    if (known === undefined)
      throw new VaultError(`Vault has no auth mount "${mount}": check vault.oidcMount in the configuration`);
    return known;
  };
  const get = async (path: string, purpose: string) =>
    (await vault.find({ method: "GET", path, purpose }, answer, signal))?.data;
  const byAlias = async (name: string) => {
    const body = { alias_name: name, alias_mount_accessor: await accessor() };
    const ask = {
      method: "POST",
      path: "identity/lookup/entity",
      body,
      purpose: `look up whom ${name} signs in as`,
    } as const;
    return (await vault.find(ask, answer, signal))?.data;
  };
  const ownAliases = async ({ aliases }: Entity): Promise<readonly Alias[]> => {
    const mountAccessor = await accessor();
    return aliases.filter((one) => one.mount_accessor === mountAccessor);
  };
  const drop = async ({ id, name }: Alias) => {
    const path = `identity/entity-alias/id/${encodeURIComponent(id)}`;
    await vault.tell({ method: "DELETE", path, purpose: `end the sign-in of ${name}` }, signal);
  };
  return {
    byId: (id) => get(`identity/entity/id/${encodeURIComponent(id)}`, `read the entity ${id}`),
    byName: (name) => get(`identity/entity/name/${encodeURIComponent(name)}`, `read the entity ${name}`),
    byAlias,
    create: async (name, policies) => {
      const purpose = `create the entity ${name}`;
      const ask = { method: "POST", path: "identity/entity", body: { name, policies }, purpose } as const;
      const id = (await vault.find(ask, created, signal))?.data.id;
      const made = id === undefined ? undefined : await get(`identity/entity/id/${id}`, purpose);
      if (made === undefined) throw new VaultError(`the entity ${name} is not there right after it was made`);
      return made;
    },
    change: async (id, change) => {
      await changeExisting(
        vault,
        { method: "POST", path: `identity/entity/id/${id}`, body: change, purpose: `change the entity ${id}` },
        signal,
      );
    },
    point: async (name, entity) => {
      const mountAccessor = await accessor();
      const there = (await byAlias(name))?.aliases.find(
        (one) => folded(one.name) === folded(name) && one.mount_accessor === mountAccessor,
      );
      const present = await get(`identity/entity/id/${encodeURIComponent(entity.id)}`, `read the entity ${entity.id}`);
      if (present === undefined) throw new VaultError(`the entity ${entity.name} is gone: run again`);
      // An alias that was released meanwhile is gone from it.
      const [former] = await ownAliases(present);
      // The alias of a sign-in under the new name takes the place of the former one, which has to go first.
      if (there !== undefined && former !== undefined && former.id !== there.id) await drop(former);
      const id = (there ?? former)?.id;
      const path = id === undefined ? "identity/entity-alias" : `identity/entity-alias/id/${id}`;
      const body = { name, mount_accessor: mountAccessor, canonical_id: entity.id };
      await changeExisting(
        vault,
        { method: "POST", path, body, purpose: `let ${name} sign in as the entity ${entity.id}` },
        signal,
      );
    },
    unpoint: async (entity) => {
      for (const one of await ownAliases(entity)) await drop(one);
    },
    aliasNames: async (entity) => (await ownAliases(entity)).map(({ name }) => name),
  };
}
