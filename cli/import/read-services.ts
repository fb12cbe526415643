/**
 * Reads what the services have of people: the user map, the cluster's bindings, the forge's repository, Vault's names.
 */

import { z } from "zod";
import type { Forge } from "../../clients/forgejo/client.ts";
import { repoApi } from "../../clients/forgejo/repository.ts";
import { tokenApi } from "../../clients/forgejo/access-tokens.ts";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import { type Vault, VaultError } from "../../clients/vault/client.ts";
import { mapOf } from "../../agent/lib/map-schema.ts";
import { UnreadableSurface } from "./unreadable-surface.ts";

export interface MapEntry {
  readonly role: string;
  readonly email?: string | undefined;
  readonly namespaces: readonly string[];
}

/** A right in a namespace, or everywhere where there is none. */
export interface Grant {
  readonly email: string;
  readonly role: string;
  readonly namespace?: string;
  readonly binding: string;
}

export interface ClusterState {
  readonly namespaces: ReadonlySet<string>;
  /** To people by their e-mail; groups, ServiceAccounts and the system's own are not among them. */
  readonly grants: readonly Grant[];
  /** Quotas by namespace, each with its name. */
  readonly quotas: readonly { readonly namespace: string; readonly name: string }[];
  /** Accounts for the old dashboard, by whatever name. */
  readonly dashboards: readonly { readonly namespace: string; readonly name: string }[];
}

export interface Member {
  readonly login: string;
  readonly email?: string;
  /** On the protected branch's push list. */
  readonly pushes: boolean;
  readonly collaborates: boolean;
  /** Names of tokens that are called as this program calls its own. */
  readonly tokens: readonly string[];
}

export interface VaultState {
  /** Policies and entities that are called as this program calls its own. */
  readonly policies: readonly string[];
  readonly entities: readonly string[];
}

const looseMap = mapOf(
  z.looseObject({ role: z.string(), email: z.string().optional(), namespaces: z.array(z.string()).optional() }),
);

/** @param text of the map, which was checked as the program checks it */
export function mapEntries(text: string): ReadonlyMap<string, MapEntry> {
  const entries = [...looseMap.parse(JSON.parse(text))];
  return new Map(entries.map(([who, { role, email, namespaces = [] }]) => [who, { role, email, namespaces }]));
}

const named = z.object({ metadata: z.object({ name: z.string(), namespace: z.string().optional() }) });
const binding = named.extend({
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string() })).optional(),
});

/** @throws UnreadableSurface, or KubernetesError where the cluster does not answer */
export async function readCluster(call: KubeCall): Promise<ClusterState> {
  const list = async <T>(path: string, item: z.ZodType<T>): Promise<T[]> => {
    const { status, value } = await call("GET", path);
    if (status !== 200) throw new UnreadableSurface(`the cluster: ${path} cannot be listed (status ${status})`);
    const page = z.object({ items: z.array(item), metadata: z.object({ continue: z.string().optional() }).optional() });
    const parsed = page.safeParse(value);
    if (!parsed.success || parsed.data.metadata?.continue)
      throw new UnreadableSurface(`the cluster: its answer to ${path} is not the whole list`);
    return parsed.data.items;
  };
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const namespaces = await list("/api/v1/namespaces", named);
  const bindings = await list(`${rbac}/rolebindings`, binding);
  const everywhere = await list(`${rbac}/clusterrolebindings`, binding);
  const quotas = await list("/api/v1/resourcequotas", named);
  const accounts = await list("/api/v1/serviceaccounts", named);
  const grants = [...bindings, ...everywhere].flatMap(({ metadata, roleRef, subjects = [] }): Grant[] =>
    subjects
      .filter(({ kind, name }) => kind === "User" && name.includes("@"))
      .map(({ name: email }) => ({
        ...{ email, role: roleRef.name, binding: metadata.name },
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      })),
  );
  const placed = (items: readonly z.output<typeof named>[]) =>
    items.map(({ metadata: { name, namespace = "" } }) => ({ namespace, name }));
  return {
    namespaces: new Set(namespaces.map(({ metadata }) => metadata.name)),
    grants,
    quotas: placed(quotas),
    dashboards: placed(accounts).filter(({ name }) => /dashboard/.test(name)),
  };
}

export interface ForgePlace {
  readonly owner: string;
  readonly infra: string;
  readonly branch: string;
}

const user = z.object({ login: z.string(), email: z.string().optional() });
const OUR_TOKEN = /^workstation-.+-\d+$/;

/** @throws ForgeError unless everything could be read */
export async function readForge(forge: Forge, { owner, infra, branch }: ForgePlace): Promise<readonly Member[]> {
  const signal = AbortSignal.timeout(120_000);
  const api = repoApi(forge, { owner, repo: infra }, signal);
  await api.mustExist();
  const collaborators = await api.collaborators();
  const pushers = (await api.protection(branch))?.push_whitelist_usernames ?? [];
  const members: Member[] = [];
  for (const login of [...new Set([...collaborators, ...pushers])].sort()) {
    const request = { method: "GET", path: ["users", login], purpose: `look at the account ${login}` } as const;
    const { email = "" } = await forge.ask(request, user, signal);
    const tokens = (await tokenApi(forge, { login }, signal).list()) ?? [];
    members.push({
      login,
      // Whoever hides the address has one of the forge's own.
      ...(email === "" || /@noreply\./.test(email) ? {} : { email }),
      pushes: pushers.includes(login),
      collaborates: collaborators.includes(login),
      tokens: tokens.map(({ name }) => name).filter((name) => OUR_TOKEN.test(name)),
    });
  }
  return members;
}

const listing = z.object({ data: z.object({ keys: z.array(z.string()) }) });

/** @throws UnreadableSurface, with the right that is missing */
export async function readVault(vault: Vault): Promise<VaultState> {
  const list = async (path: string, what: string): Promise<readonly string[]> => {
    try {
      const found = await vault.find({ method: "LIST", path, purpose: `list its ${what}` }, listing);
      return found?.data.keys ?? [];
    } catch (cause) {
      if (!(cause instanceof VaultError && cause.status === 403)) throw cause;
      throw new UnreadableSurface(
        `Vault: its ${what} cannot be listed (status ${cause.status}). The program's own token may not; put one that may ` +
          `list ${path} into a file and name it with --vault-token-file`,
      );
    }
  };
  return {
    policies: (await list("sys/policies/acl", "policies")).filter((name) => OUR_POLICY.test(name)),
    entities: (await list("identity/entity/name", "entities")).filter((name) => OUR_POLICY.test(name)),
  };
}

const OUR_POLICY = /^(namespace-owner|workstation-claude)-/;
