/**
 * Declares components with the SDK's mocks instead of an engine, and returns the declared resources in the order of
 * their names.
 */

import * as pulumi from "@pulumi/pulumi";
import { unwrapped } from "./reveal-secrets.ts";

export interface Declared {
  readonly type: string;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into inputs of every kind of resource
  readonly inputs: any;
}

/** @returns every resource with its inputs as the provider would get them; secrets are unwrapped */
export async function declared(program: () => unknown): Promise<readonly Declared[]> {
  const found: Declared[] = [];
  await pulumi.runtime.setMocks({
    call: ({ token }) => {
      throw new Error(`nothing here calls ${token}`);
    },
    newResource: ({ type, name, inputs }) => {
      found.push({ type, name, inputs });
      return { id: name, state: { ...inputs, ...filledBy(inputs) } };
    },
  });
  await program();
  await pulumi.runtime.disconnect();
  return found
    .filter(({ type }) => type.startsWith("kubernetes:") || type.startsWith("command:"))
    .map((one) => ({ ...one, inputs: unwrapped(one.inputs) }))
    .sort((a, b) => (`${a.name} ${a.type}` < `${b.name} ${b.type}` ? -1 : 1));
}

/** What a cluster's controllers would add: a token Secret gets its token. */
function filledBy(inputs: Declared["inputs"]): object {
  if (inputs.type !== "kubernetes.io/service-account-token") return {};
  const { namespace, name } = inputs.metadata;
  return { data: { token: Buffer.from(`token of ${namespace}/${name}`).toString("base64") } };
}

/** The one resource of that type and name in the API. */
export function only(all: readonly Declared[], kind: string, name: string, namespace?: string): Declared {
  const [first, ...more] = all.filter(
    ({ type, inputs }) =>
      type.endsWith(`:${kind}`) &&
      inputs.metadata.name === name &&
      (namespace === undefined || inputs.metadata.namespace === namespace),
  );
  if (first === undefined || more.length > 0) throw new Error(`${more.length + (first ? 1 : 0)} of ${kind} ${name}`);
  return first;
}
