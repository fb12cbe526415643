/**
 * Reads the RoleBindings of one namespace as a whole or not at all, and writes one only where nobody else has written
 * since.
 */

import { z } from "zod";
import { type KubeCall, KubernetesError } from "../../clients/kubernetes/client.ts";
import { ProviderError } from "../runtime/errors.ts";

/** Holds the subjects of a suspended binding, as JSON. */
export const SUSPENDED = "workstation/suspended-subjects";

export interface Binding {
  readonly name: string;
  readonly version: string;
  readonly subjects: readonly object[];
  /** What the annotation holds; undefined where it is not suspended. */
  readonly kept: readonly object[] | undefined;
}

export interface Bindings {
  /** @throws ProviderError when the listing is not whole */
  list(): Promise<readonly Binding[]>;
  /** @throws ProviderError when the binding was changed since it was read, or cannot be written; one that is gone is left so */
  write(
    binding: Binding,
    next: { readonly subjects: readonly object[]; readonly kept: readonly object[] | undefined },
  ): Promise<void>;
}

const subjects = z.array(z.looseObject({ kind: z.string(), name: z.string() }));
const listing = z.object({
  metadata: z.object({ continue: z.string().optional() }).optional(),
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        resourceVersion: z.string(),
        annotations: z.record(z.string(), z.string()).nullish(),
      }),
      subjects: subjects.nullish(),
    }),
  ),
});

/** An object's annotations together may hold 256 KiB. */
const MOST_CHARACTERS = 200_000;

export function bindingsOf(call: KubeCall, namespace: string): Bindings {
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/rolebindings`;
  const failed = (what: string, cause?: unknown) =>
    new ProviderError(`the rights that were given in ${namespace}: ${what}`, { cause });
  const ask = async (...args: Parameters<KubeCall>) => {
    try {
      return await call(...args);
    } catch (cause) {
      if (cause instanceof KubernetesError) throw failed(cause.message, cause);
      throw cause;
    }
  };
  return {
    list: async () => {
      const { status, value } = await ask("GET", path);
      const parsed = listing.safeParse(value);
      if (status !== 200 || !parsed.success || parsed.data.metadata?.continue)
        throw failed(`they cannot be read as a whole (status ${status}), so nothing is concluded from it`);
      return parsed.data.items.map(({ metadata, subjects: live }) => ({
        name: metadata.name,
        version: metadata.resourceVersion,
        subjects: live ?? [],
        kept: keptIn(metadata.annotations?.[SUSPENDED], (why) => failed(`RoleBinding ${metadata.name}: ${why}`)),
      }));
    },
    write: async ({ name, version }, next) => {
      const text = next.kept === undefined ? null : JSON.stringify(next.kept);
      if (text !== null && text.length > MOST_CHARACTERS)
        throw failed(`RoleBinding ${name} has more subjects than can be kept for their return; suspend it by hand`);
      // With the version that was read: a change of somebody else's in between is refused, not undone.
      const metadata = { resourceVersion: version, annotations: { [SUSPENDED]: text } };
      const { status } = await ask("PATCH", `${path}/${encodeURIComponent(name)}`, {
        metadata,
        subjects: next.subjects,
      });
      if (status === 409) throw failed(`RoleBinding ${name} was changed at the same moment; run again`);
      if (status !== 200 && status !== 404) throw failed(`RoleBinding ${name} cannot be changed (status ${status})`);
    },
  };
}

/** What is damaged is never taken for nothing: rights would be lost for good. */
function keptIn(text: string | undefined, failed: (why: string) => Error): readonly object[] | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed = subjects.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw failed(`its annotation ${SUSPENDED} is damaged; fix it, or delete it to restore nothing`);
}
