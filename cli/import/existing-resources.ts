/** Finds the declared resources that exist already, their differences, and those that cannot be taken over. */

import { z } from "zod";
import type { Forge } from "../../clients/forgejo/client.ts";
import { repoApi, type RepoApi } from "../../clients/forgejo/repository.ts";
import { type Adopted, authRoleId, objectId, repoPartId } from "../../config/adoption-file.ts";
import type { DesiredResource } from "../../stacks/offline/record-resources.ts";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import type { Vault } from "../../clients/vault/client.ts";
import { takeover, takeoverSentences } from "../../clients/kubernetes/field-ownership.ts";
import { immutableField } from "../../clients/kubernetes/immutable-fields.ts";
import { deletionOf, keeperSentences, tokenSentences } from "../../clients/kubernetes/other-keepers.ts";
import { kindLookup, objectPath } from "../../clients/kubernetes/resource-path.ts";
import { type Difference, differences } from "../../clients/kubernetes/compare-objects.ts";
import { type DeployedResource, type DeployedState, keyOf } from "../stack/deployed-resources.ts";
import { UnreadableSurface } from "./unreadable-surface.ts";

export interface Existing {
  readonly adopt: readonly Adopted[];
  /** A sentence for each difference that the first preview will show too, and for fields that somebody else owns. */
  readonly differences: readonly string[];
  /** A sentence for each other program that keeps an adopted object of the cluster. */
  readonly keepers: readonly string[];
  /** Things of our names that a hand has to move first, or that are being deleted. */
  readonly clashes: readonly string[];
  /** Of the declared resources, those that the stack has already. */
  readonly held: readonly DeployedResource[];
}

export interface Surfaces {
  readonly cluster?: KubeCall | undefined;
  readonly vault?: Vault | undefined;
  readonly forge?: Forge | undefined;
}

/** What is there of one resource: nothing, or its id and how it differs. */
type Found =
  | undefined
  | {
      readonly id: string;
      readonly differs: readonly string[];
      readonly clash?: string | undefined;
      /** Whole sentences: which fields are taken over from whom. */
      readonly owners?: readonly string[];
      readonly keepers?: readonly string[];
    };

/**
 * @param state of the stack: what it has is the program's already, and is not looked for
 * @throws UnreadableSurface, or what the surface's own client throws: an answer that does not come is never "not there"
 */
export async function findExisting(
  declared: readonly DesiredResource[],
  surfaces: Surfaces,
  state: Pick<DeployedState, "resources">,
): Promise<Existing> {
  const adopt: Adopted[] = [];
  const sentences: string[] = [];
  const keepers: string[] = [];
  const clashes: string[] = [];
  const held: DeployedResource[] = [];
  const kinds = surfaces.cluster && kindLookup(surfaces.cluster);
  for (const one of declared) {
    const deployed = state.resources.get(keyOf(one));
    if (deployed !== undefined && isSameObject(one, deployed)) {
      held.push(deployed);
      continue;
    }
    const found = await find(one, surfaces, kinds);
    if (found === undefined) continue;
    const what = `${one.type.split(":").at(-1)} ${found.id}`;
    if (found.clash !== undefined) {
      clashes.push(`${what}: ${found.clash}`);
      continue;
    }
    adopt.push({ type: one.type, name: one.name, id: found.id });
    sentences.push(...found.differs.map((difference) => `${what}: ${difference}`), ...(found.owners ?? []));
    keepers.push(...(found.keepers ?? []));
  }
  return { adopt, differences: sentences, keepers, clashes, held };
}

/** A resource that is declared under another name than the state has is another object of the cluster. */
function isSameObject({ type, inputs }: DesiredResource, { id }: DeployedResource): boolean {
  const parsed = type.startsWith("kubernetes:") ? objectInputs.safeParse(inputs) : undefined;
  return parsed?.success !== true || objectId(parsed.data.metadata.name, parsed.data.metadata.namespace) === id;
}

type Kinds = ReturnType<typeof kindLookup>;

async function find(
  one: DesiredResource,
  { cluster, vault, forge }: Surfaces,
  kinds: Kinds | undefined,
): Promise<Found> {
  if (one.type.startsWith("kubernetes:")) return cluster && kinds && findObject(one, cluster, kinds);
  if (one.type.startsWith("vault:")) return vault && findInVault(one, vault);
  if (one.type.startsWith("forgejo:")) return forge && findOnForge(one, forge);
  return undefined;
}

const objectInputs = z.looseObject({ metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }) });

async function findObject({ type, inputs }: DesiredResource, call: KubeCall, kinds: Kinds): Promise<Found> {
  const parsed = objectInputs.safeParse(inputs);
  if (!parsed.success) return undefined;
  const { name, namespace } = parsed.data.metadata;
  const { apiVersion, kind } = kindIn(type);
  const resource = await kinds(apiVersion, kind);
  if (resource === undefined) return undefined;
  const path = objectPath(apiVersion, resource.name, name, namespace);
  const { status, value } = await call("GET", path);
  if (status === 404) return undefined;
  if (status !== 200) throw new UnreadableSurface(`the cluster: ${path} cannot be read (status ${status})`);
  const id = objectId(name, namespace);
  const { apiVersion: _, kind: __, ...wanted } = inputs;
  const different = differences(wanted, value);
  const differs = different.map(sentenceOf);
  const called = `${kind} ${id}`;
  const owners = [...takeoverSentences(called, takeover(value, wanted, new Date())), ...tokenSentences(kind, called)];
  const clash = deletionOf(value) ?? clashOf(kind, different);
  return { id, differs, clash, owners, keepers: keeperSentences(called, value) };
}

/** @example "spec.hard.pods: is 10, and 20 is wanted" */
function sentenceOf({ path, want, have }: Difference): string {
  if (Array.isArray(want)) return `${path}: has other items than wanted`;
  const found = have === undefined || have === null ? "is not set" : `is ${shortened(have)}`;
  return `${path}: ${found}, and ${shortened(want)} is wanted`;
}

function shortened(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The kind that a resource type of the program stands for: `kubernetes:rbac.authorization.k8s.io/v1:RoleBinding`. */
function kindIn(type: string): { readonly apiVersion: string; readonly kind: string } {
  const [, version = "", kind = ""] = type.split(":");
  return { apiVersion: version.replace(/^core\//, ""), kind };
}

/** What the cluster does not change in place would be deleted and made anew: not with something that is somebody's. */
function clashOf(kind: string, different: readonly Difference[]): string | undefined {
  if (kind === "Secret" || kind === "ConfigMap")
    return "is there and not the program's; move it away, or keep its name free";
  const immutable = different.filter(({ path }) => immutableField(kind, path) !== undefined);
  if (immutable.length === 0) return undefined;
  const found = immutable.map(sentenceOf).join("; ");
  return immutable.some(({ path }) => path.startsWith("roleRef"))
    ? `binds another role, which cannot be changed in place; give it another name first (${found})`
    : `differs in what cannot be changed in place; delete it or give it another name first (${found})`;
}

const policyInputs = z.looseObject({ name: z.string(), policy: z.string() });
const roleInputs = z.looseObject({ backend: z.string(), roleName: z.string() });
const policyAnswer = z.object({ data: z.object({ policy: z.string() }) });

async function findInVault({ type, inputs }: DesiredResource, vault: Vault): Promise<Found> {
  const get = <T>(path: string, form: z.ZodType<T>) =>
    vault.find({ method: "GET", path, purpose: `read ${path}` }, form);
  const policy = policyInputs.safeParse(inputs);
  if (type.endsWith(":Policy") && policy.success) {
    const { name, policy: text } = policy.data;
    const answer = await get(`sys/policies/acl/${encodeURIComponent(name)}`, policyAnswer);
    if (answer === undefined) return undefined;
    const same = answer.data.policy === text;
    return { id: name, differs: same ? [] : ["its text is another one"] };
  }
  const role = roleInputs.safeParse(inputs);
  if (!role.success) return undefined;
  const id = authRoleId(role.data.backend, role.data.roleName);
  return (await get(id, z.object({ data: z.looseObject({}) }))) === undefined ? undefined : { id, differs: [] };
}

const forgeInputs = z.looseObject({
  ...{ owner: z.string(), repo: z.string(), branch: z.string().optional(), login: z.string().optional() },
  push: z.array(z.string()).optional(),
  merge: z.array(z.string()).optional(),
});

async function findOnForge({ type, inputs }: DesiredResource, forge: Forge): Promise<Found> {
  const parsed = forgeInputs.safeParse(inputs);
  if (!parsed.success) return undefined;
  const { owner, repo, branch, login } = parsed.data;
  const api = repoApi(forge, { owner, repo }, AbortSignal.timeout(60_000));
  if (type.endsWith(":Collaborator") && login !== undefined) {
    return (await api.isCollaborator(login)) ? { id: repoPartId(owner, repo, login), differs: [] } : undefined;
  }
  if (branch === undefined) return undefined;
  return findRule(type, parsed.data, branch, api);
}

async function findRule(
  type: string,
  wanted: z.output<typeof forgeInputs>,
  branch: string,
  api: RepoApi,
): Promise<Found> {
  const rule = await api.protection(branch);
  if (rule === undefined) return undefined;
  const id = repoPartId(wanted.owner, wanted.repo, branch);
  if (type.endsWith(":BranchProtection")) return { id, differs: [] };
  const lists = [
    ["push", rule.push_whitelist_usernames, wanted.push ?? []],
    ["merge", rule.merge_whitelist_usernames, wanted.merge ?? []],
  ] as const;
  const differs = lists.flatMap(([what, have, want]) => {
    const [out, into] = [without(have, want), without(want, have)];
    return [
      ...(out.length > 0 ? [`${out.join(", ")} would be taken off its ${what} list; a row keeps them on it`] : []),
      ...(into.length > 0 ? [`${into.join(", ")} would be put on its ${what} list`] : []),
    ];
  });
  return { id, differs };
}

const without = (all: readonly string[], some: readonly string[]) => {
  const folded = new Set(some.map((login) => login.toLowerCase()));
  return all.filter((login) => !folded.has(login.toLowerCase()));
};
