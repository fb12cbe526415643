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

const want = z.object({
  namespace: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be the name of a namespace"),
  suspended: z.boolean(),
  /** RoleBindings of the program itself, by name: they are the official provider's to change. */
  own: z.array(z.string()),
});
const have = want.extend({ /** RoleBindings that are suspended, by name. */ bindings: z.array(z.string()) });

type Want = z.output<typeof want>;
type Have = z.output<typeof have>;

/** A binding that is made while the others are emptied is found by the next look. */
const PASSES = 3;

export function namespaceRights(call: () => KubeCall): Resource {
  const settle = (wish: Want): Promise<Have> => {
    const bindings = bindingsOf(call(), wish.namespace);
    return wish.suspended ? suspend(bindings, wish) : giveBack(bindings, wish);
  };
  const type: TypedResource<Want, Have> = {
    parse: parseInputs(want),
    remember: parseState(have),
    secrets: [],
    computed: ["bindings"],
    replaceOn: ["namespace"],
    create: async (wish) => ({ id: wish.namespace, have: await settle(wish) }),
    update: (_, __, wish) => settle(wish),
    delete: async (_, is) => {
      await giveBack(bindingsOf(call(), is.namespace), is);
    },
  };
  return typedResource(type);
}

async function suspend(bindings: Bindings, wish: Want): Promise<Have> {
  const isPlanted = ({ name, subjects }: Binding) => subjects.length > 0 && !wish.own.includes(name);
  for (let pass = 1; pass <= PASSES; pass += 1) {
    const planted = (await bindings.list()).filter(isPlanted);
    if (planted.length === 0) break;
    for (const binding of planted) {
      await bindings.write(binding, { subjects: [], kept: together(binding.kept ?? [], binding.subjects) });
    }
  }
  const all = await bindings.list();
  return { ...wish, bindings: all.flatMap(({ name, kept }) => (kept === undefined ? [] : [name])).sort() };
}

/** Whom somebody else has let in meanwhile stays in. */
async function giveBack(bindings: Bindings, wish: Want): Promise<Have> {
  for (const binding of await bindings.list()) {
    if (binding.kept === undefined) continue;
    await bindings.write(binding, { subjects: together(binding.kept, binding.subjects), kept: undefined });
  }
  return { ...wish, bindings: [] };
}

/** In the order in which they stood, each once. */
const together = (first: readonly object[], second: readonly object[]): readonly object[] => [
  ...new Map([...first, ...second].map((subject) => [JSON.stringify(subject), subject])).values(),
];
