/**
 * Reads and writes the adoption file of `./ws import`: the objects that exist already and that the stack takes over
 * instead of creating them. The engine reads each as it is, shows in the preview how it differs, and changes that alone.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { Refusal } from "./refusal.ts";

/** One object that exists, and the resource of the program that it becomes. */
const adopted = z.strictObject({
  /** Type and logical name of the resource, as the engine shows them. */
  type: z.string(),
  name: z.string(),
  /** What the provider calls the object. */
  id: z.string().min(1),
});

const form = z.strictObject({ version: z.literal(1), resources: z.array(adopted) });

export type Adopted = z.output<typeof adopted>;
export type Adoption = readonly Adopted[];

/** The type of a namespace's resource. */
export const NAMESPACE_TYPE = "kubernetes:core/v1:Namespace";

/** The bytes of the file. */
export const writeAdoption = (resources: Adoption): string =>
  `${JSON.stringify({ version: 1, resources }, undefined, 2)}\n`;

/** @returns undefined where the stack adopts nothing. @throws Refusal when the file is missing or damaged: it is never an empty one */
export function readAdoption({ adopt }: { readonly adopt?: string | undefined }): Adoption | undefined {
  if (adopt === undefined) return undefined;
  const refuse = (why: string): never => {
    throw new Refusal(
      `${adopt}: what is adopted, which workstation:adopt names, cannot be read: ${why}. Nothing was changed.`,
    );
  };
  try {
    const parsed = form.safeParse(JSON.parse(readFileSync(resolve(adopt), "utf8")));
    if (parsed.success) return parsed.data.resources;
    return refuse(`it is not what ./ws import writes (at: ${parsed.error.issues.map(at).join(", ")})`);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    return refuse((cause as Error).message);
  }
}

const at = ({ path }: z.core.$ZodIssue) => path.join(".") || "the whole";

/** What the Kubernetes plugin calls an object: `books/quota`. */
export const objectId = (name: string, namespace: string | undefined): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

/** What the Vault plugin calls a role of a login method, and Vault the path of it. */
export const authRoleId = (backend: string, role: string): string => `auth/${backend}/role/${role}`;

/** What the forge's plugin calls a collaborator, by login, and what belongs to a branch, by its name. */
export const repoPartId = (owner: string, repo: string, part: string): string => `${owner}/${repo}/${part}`;

const text = z.string();
const DECLARED_IDS: readonly (readonly [type: RegExp, id: z.ZodType<string>])[] = [
  [/^vault:.*:Policy$/, z.object({ name: text }).transform(({ name }) => name)],
  [
    /^vault:.*:AuthBackendRole$/,
    z.object({ backend: text, roleName: text }).transform(({ backend, roleName }) => authRoleId(backend, roleName)),
  ],
  [
    /^forgejo:.*:Collaborator$/,
    z
      .object({ owner: text, repo: text, login: text })
      .transform(({ owner, repo, login }) => repoPartId(owner, repo, login)),
  ],
  [
    /^forgejo:.*:Branch(Protection|Writers)$/,
    z
      .object({ owner: text, repo: text, branch: text })
      .transform(({ owner, repo, branch }) => repoPartId(owner, repo, branch)),
  ],
];

/**
 * @returns what the plugin of Vault or the forge calls the declared resource; undefined for other types, and where the
 * inputs are not known yet
 */
export const declaredId = (type: string, inputs: unknown): string | undefined =>
  DECLARED_IDS.find(([types]) => types.test(type))?.[1].safeParse(inputs).data;

/** The namespaces among them: named there, they are handed over. */
export const adoptedNamespaces = (adoption: Adoption = []): ReadonlySet<string> =>
  new Set(adoption.filter(({ type }) => type === NAMESPACE_TYPE).map(({ id }) => id));
