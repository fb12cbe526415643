/** Serves a made-up Vault on loopback that keeps entities, aliases, roles of pipelines and their tokens, as Vault answers for them. */

import { vaultPeopleProvider } from "../../../providers/vaultpeople/provider.ts";
import { Secret } from "../../../providers/runtime/property-values.ts";
import { type Reply, startHttpServer } from "../../clients/http-server.ts";
import { drive, type Driven } from "../../e2e/fixtures/resource-lifecycle.ts";

interface Alias {
  readonly id: string;
  readonly name: string;
  readonly mount_accessor: string;
}

interface Entity {
  readonly id: string;
  name: string;
  policies: readonly string[];
  disabled: boolean;
  aliases: readonly Alias[];
}

export interface FakeIdentities {
  readonly provider: Driven;
  /** By role: the policies that it gives to a pipeline. */
  readonly roles: Map<string, readonly string[]>;
  /** Accessors of the pipelines' live tokens. */
  pipelineTokens(): readonly string[];
  /** A pipeline signs in through a role that is there. @returns the token's accessor */
  deploy(role: string): string;
  /** Somebody signs in by an address, known or not. @returns the policies that their token carries at any later time */
  signIn(address: string): () => readonly string[] | "disabled";
  end(): Promise<void>;
}

const MOUNT = "auth_oidc_1";
/** Vault always lists the token that asks. */
const PROGRAM = "accessor-program";
const PROGRAM_TOKEN = { accessor: PROGRAM, entity_id: "", policies: ["workstation-pulumi"], path: "auth/token/create" };

export async function fakeIdentities(): Promise<FakeIdentities> {
  const entities = new Map<string, Entity>();
  const roles = new Map<string, readonly string[]>();
  const tokens = new Map<string, { readonly role: string; readonly policies: readonly string[] }>();
  let serial = 0x1000_0000;
  const next = () => {
    serial += 1;
    return serial.toString(16);
  };
  const found = (data: object | undefined): Reply =>
    data === undefined ? { status: 404, body: { errors: [] } } : { status: 200, body: { data } };
  const done: Reply = { status: 204, body: "" };
  const all = () => [...entities.values()];
  const byAlias = (name: string) =>
    all().find(({ aliases }) => aliases.some((alias) => alias.name.toLowerCase() === name.toLowerCase()));
  const create = (name: string, policies: readonly string[]): Entity => {
    const entity: Entity = { id: next(), name, policies, disabled: false, aliases: [] };
    entities.set(entity.id, entity);
    return entity;
  };
  const drop = (id: string) => {
    for (const entity of all()) entity.aliases = entity.aliases.filter((alias) => alias.id !== id);
  };
  const point = (id: string, sent: Readonly<Record<string, string>>): Reply => {
    drop(id);
    const { canonical_id: to = "", name = "", mount_accessor = "" } = sent;
    const entity = entities.get(to);
    if (entity === undefined || byAlias(name) !== undefined)
      return { status: 400, body: { errors: ["Alias already exists for requested entity and mount accessor"] } };
    entity.aliases = [...entity.aliases, { id, name, mount_accessor }];
    return done;
  };
  const entityAt = (method: string, entity: Entity | undefined, sent: object): Reply => {
    if (entity === undefined || method === "GET") return found(entity);
    Object.assign(entity, sent);
    return done;
  };
  const answer = (method: string, path: string, sent: Readonly<Record<string, string>>): Reply => {
    const [, last = ""] = /([^/]*)$/.exec(path) ?? [];
    if (path === "sys/auth") return found({ "oidc/": { accessor: MOUNT } });
    if (path === "identity/lookup/entity") return found(byAlias(sent.alias_name ?? ""));
    if (path === "identity/entity")
      return found({ id: create(sent.name ?? "", sent.policies as unknown as readonly string[]).id });
    if (path.startsWith("identity/entity/id/")) return entityAt(method, entities.get(last), sent);
    if (path.startsWith("identity/entity/name/")) return found(all().find(({ name }) => name === last));
    if (path === "identity/entity-alias") return point(next(), sent);
    if (path.startsWith("identity/entity-alias/id/")) {
      if (method !== "DELETE") return point(last, sent);
      drop(last);
      return done;
    }
    if (path.startsWith("auth/kubernetes/role/")) {
      const policies = roles.get(last);
      if (method === "GET") return found(policies === undefined ? undefined : { token_policies: policies });
      roles.delete(last);
      return done;
    }
    if (path === "auth/token/accessors/?list=true") return found({ keys: [PROGRAM, ...tokens.keys()] });
    const accessor = sent.accessor ?? "";
    if (accessor === PROGRAM) return found(PROGRAM_TOKEN);
    const token = tokens.get(accessor);
    if (token === undefined) return { status: 400, body: { errors: ["invalid accessor"] } };
    if (path === "auth/token/revoke-accessor") {
      tokens.delete(accessor);
      return done;
    }
    const { role, policies } = token;
    return found({ accessor, entity_id: "", policies, path: "auth/kubernetes/login", meta: { role } });
  };
  const server = await startHttpServer((method, url, sent) =>
    answer(method, url.replace("/v1/", ""), (sent ?? {}) as Readonly<Record<string, string>>),
  );
  const config = { address: server.address, token: new Secret("hvs.program"), timeoutSeconds: "5", pauseMs: "1" };
  return {
    provider: await drive(vaultPeopleProvider(), config),
    roles,
    pipelineTokens: () => [...tokens.keys()],
    deploy: (role) => {
      const policies = roles.get(role);
      if (policies === undefined) throw new Error(`there is no role ${role}`);
      const accessor = `accessor-${next()}`;
      tokens.set(accessor, { role, policies });
      return accessor;
    },
    signIn: (address) => {
      let entity = byAlias(address);
      if (entity === undefined) {
        entity = create(`entity_${next()}`, []);
        point(next(), { canonical_id: entity.id, name: address, mount_accessor: MOUNT });
      }
      const { id } = entity;
      return () => {
        const own = entities.get(id);
        return own?.disabled === false ? own.policies : "disabled";
      };
    },
    end: () => server.stop(),
  };
}
