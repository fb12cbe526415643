/** A plugin that accepts everything and does nothing: what is left when it is used is the engine's cost and the program's. */

import type { Resource } from "../../../providers/runtime/provider.ts";
import { servePlugin } from "../../../providers/runtime/serve.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";

const nothing: Resource = {
  diff: async () => ({ changes: [], deleteBeforeReplace: false }),
  create: async ({ inputs, preview }) => ({ id: preview ? "" : "there", state: { ...inputs, ...filledIn(inputs) } }),
  read: async ({ id, inputs, state }) => ({ id, inputs, state }),
  update: async ({ inputs }) => inputs,
  delete: async () => undefined,
};

/** What a cluster adds by itself and the program waits for: the token of a ServiceAccount's Secret. */
const filledIn = (inputs: PropertyMap): PropertyMap =>
  inputs.type === "kubernetes.io/service-account-token" ? { data: { token: "bm90aGluZw==" } } : {};

await servePlugin({
  name: process.env.WS_BENCH_PLUGIN ?? "command",
  version: process.env.WS_BENCH_VERSION ?? "0.0.0",
  resource: () => nothing,
});
