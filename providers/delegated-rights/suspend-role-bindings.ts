/**
 * Manages the delegated rights in one tenant namespace: those that this program did not give. Suspended: every
 * RoleBinding there is emptied and carries its subjects in an annotation. Not suspended: a binding with that annotation
 * gets them back. Nothing outside the namespace is touched, and nothing is created or deleted, so that names, ids and
 * owners of the objects stay as they are. A binding that somebody makes there afterwards is meant, and stays.
 */

import { z } from "zod";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import type { Resource } from "../runtime/provider.ts";
import { typedResource, type TypedResource } from "../runtime/typed-resource.ts";
import { parseInputs, parseState } from "../runtime/parse-inputs.ts";
import { type Binding, type Bindings, bindingsOf } from "./role-binding-client.ts";

const inputsSchema = z.object({
  namespace: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be the name of a namespace"),
  suspended: z.boolean(),
  /** RoleBindings of the program itself, by name: they are the official provider's to change. */
  own: z.array(z.string()),
  /** The user that the program names in a binding without people; empty in states of earlier versions. */
  nobody: z.string().default(""),
});
const stateSchema = inputsSchema.extend({
  /** RoleBindings that are suspended, by name. */ bindings: z.array(z.string()),
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

/** A binding that is made while the others are emptied is found by the next look. */
const PASSES = 3;

export function namespaceRights(call: () => KubeCall): Resource {
  const settle = (inputs: Inputs): Promise<State> => {
    const bindings = bindingsOf(call(), inputs.namespace);
    return inputs.suspended ? suspend(bindings, inputs) : giveBack(bindings, inputs);
  };
  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: [],
    computed: ["bindings"],
    replaceOn: ["namespace"],
    create: async (inputs) => ({ id: inputs.namespace, have: await settle(inputs) }),
    update: (_, __, inputs) => settle(inputs),
    delete: async (_, state) => {
      await giveBack(bindingsOf(call(), state.namespace), state);
    },
  };
  return typedResource(type);
}

async function suspend(bindings: Bindings, inputs: Inputs): Promise<State> {
  const isSomebody = ({ kind, name }: { readonly kind?: unknown; readonly name?: unknown }) =>
    kind !== "User" || name !== inputs.nobody;
  const isPlanted = ({ name, subjects }: Binding) => subjects.some(isSomebody) && !inputs.own.includes(name);
  for (let pass = 1; pass <= PASSES; pass += 1) {
    const planted = (await bindings.list()).filter(isPlanted);
    if (planted.length === 0) break;
    for (const binding of planted) {
      await bindings.write(binding, { subjects: [], kept: together(binding.kept ?? [], binding.subjects) });
    }
  }
  const all = await bindings.list();
  return { ...inputs, bindings: all.flatMap(({ name, kept }) => (kept === undefined ? [] : [name])).sort() };
}

/** Whom somebody else has let in meanwhile stays in. */
async function giveBack(bindings: Bindings, inputs: Inputs): Promise<State> {
  for (const binding of await bindings.list()) {
    if (binding.kept === undefined) continue;
    await bindings.write(binding, { subjects: together(binding.kept, binding.subjects), kept: undefined });
  }
  return { ...inputs, bindings: [] };
}

/** In the order in which they stood, each once. */
const together = (first: readonly object[], second: readonly object[]): readonly object[] => [
  ...new Map([...first, ...second].map((subject) => [JSON.stringify(subject), subject])).values(),
];
