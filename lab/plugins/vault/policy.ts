/**
 * Implements `vault:index/policy:Policy`: one ACL policy under a fixed name; a write is the same whether it exists or
 * not.
 */
import { z } from "zod";
import type { Resource } from "../../../providers/runtime/provider.ts";
import { typedResource } from "../../../providers/runtime/typed-resource.ts";
import { parseInputs, parseState } from "../../../providers/runtime/parse-inputs.ts";
import type { Vault } from "../../../clients/vault/client.ts";

const form = z.object({ name: z.string().min(1), policy: z.string() });
type Form = z.output<typeof form>;

const answer = z.object({ data: z.object({ policy: z.string() }) });

export function policy(vault: () => Vault): Resource {
  const at = (name: string) => `sys/policies/acl/${encodeURIComponent(name)}`;
  const write = async (want: Form, signal: AbortSignal): Promise<Form> => {
    const body = { policy: want.policy };
    await vault().tell({ method: "POST", path: at(want.name), body, purpose: `write the policy ${want.name}` }, signal);
    return want;
  };
  return typedResource<Form, Form>({
    parse: parseInputs(form),
    remember: parseState(form),
    secrets: [],
    computed: [],
    replaceOn: ["name"],
    create: async (want, { signal }) => ({ id: want.name, have: await write(want, signal) }),
    read: async (id, _, { signal }) => {
      const ask = { method: "GET", path: at(id), purpose: `read the policy ${id}` } as const;
      const found = await vault().find(ask, answer, signal);
      if (found === undefined) return undefined;
      const have = { name: id, policy: found.data.policy };
      return { have, want: have };
    },
    update: (_, __, want, { signal }) => write(want, signal),
    delete: async (id, _, { signal }) => {
      await vault().tell({ method: "DELETE", path: at(id), purpose: `delete the policy ${id}` }, signal);
    },
  });
}
