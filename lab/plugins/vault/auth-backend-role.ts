/**
 * Implements `vault:kubernetes/authBackendRole:AuthBackendRole`: the ServiceAccounts that may sign in, and the rights
 * of their tokens.
 */
import { z } from "zod";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { Resource } from "../../../providers/runtime/provider.ts";
import { typedResource } from "../../../providers/runtime/typed-resource.ts";
import { parseInputs, parseState } from "../../../providers/runtime/parse-inputs.ts";
import type { Vault } from "../../../clients/vault/client.ts";

const names = z.array(z.string()).min(1);

/** The inputs that the program uses; another one is refused rather than quietly not done. */
const form = z.strictObject({
  backend: z.string().default("kubernetes"),
  roleName: z.string().min(1),
  boundServiceAccountNames: names,
  boundServiceAccountNamespaces: names,
  tokenPolicies: z.array(z.string()).default([]),
  tokenTtl: z.int().default(0),
  tokenMaxTtl: z.int().default(0),
  tokenType: z.string().default("default"),
});
type Form = z.output<typeof form>;

const answer = z.object({
  data: z.object({
    bound_service_account_names: z.array(z.string()),
    bound_service_account_namespaces: z.array(z.string()),
    token_policies: z
      .array(z.string())
      .nullish()
      .transform((list) => list ?? []),
    token_ttl: z.number(),
    token_max_ttl: z.number(),
    token_type: z.string(),
  }),
});

export function authBackendRole(vault: () => Vault): Resource {
  const write = async (want: Form, signal: AbortSignal): Promise<Form> => {
    const path = pathOf(want);
    await vault().tell(
      { method: "POST", path, body: bodyOf(want), purpose: `write the role ${want.roleName}` },
      signal,
    );
    return want;
  };
  return typedResource<Form, Form>({
    parse: parseInputs(form),
    remember: parseState(form),
    secrets: [],
    computed: [],
    replaceOn: ["backend", "roleName"],
    differences: (have, want) =>
      (Object.keys(form.shape) as (keyof Form)[]).filter((field) => text(have[field]) !== text(want[field])),
    create: async (want, { signal }) => ({ id: pathOf(want), have: await write(want, signal) }),
    read: async (id, _, { signal }) => {
      const [, backend, roleName] = /^auth\/(.+)\/role\/([^/]+)$/.exec(id) ?? [];
      if (backend === undefined || roleName === undefined)
        throw new ProviderError(`"${id}" is no id of a role: give auth/<mount>/role/<name>`);
      const found = await vault().find(
        { method: "GET", path: id, purpose: `read the role ${roleName}` },
        answer,
        signal,
      );
      if (found === undefined) return undefined;
      const { data } = found;
      const have = {
        ...{ backend, roleName },
        boundServiceAccountNames: data.bound_service_account_names,
        boundServiceAccountNamespaces: data.bound_service_account_namespaces,
        tokenPolicies: data.token_policies,
        tokenTtl: data.token_ttl,
        tokenMaxTtl: data.token_max_ttl,
        tokenType: data.token_type,
      };
      return { have, want: have };
    },
    update: (_, __, want, { signal }) => write(want, signal),
    delete: async (id, _, { signal }) => {
      await vault().tell({ method: "DELETE", path: id, purpose: `delete ${id}` }, signal);
    },
  });
}

const pathOf = ({ backend, roleName }: Form) => `auth/${backend}/role/${roleName}`;

const bodyOf = (want: Form) => ({
  bound_service_account_names: want.boundServiceAccountNames,
  bound_service_account_namespaces: want.boundServiceAccountNamespaces,
  token_policies: want.tokenPolicies,
  token_ttl: want.tokenTtl,
  token_max_ttl: want.tokenMaxTtl,
  token_type: want.tokenType,
});

/** Lists are sets here. */
const text = (value: Form[keyof Form]) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
