/** A plugin that accepts everything and does nothing: what is left when it is used is the engine's cost and the program's. */

import type { Resource } from "../../../providers/runtime/provider.ts";
import { servePlugin } from "../../../providers/runtime/serve.ts";

const nothing: Resource = {
  diff: async () => ({ changes: [], deleteBeforeReplace: false }),
  create: async ({ inputs, preview }) => ({ id: preview ? "" : "there", state: inputs }),
  update: async ({ inputs }) => inputs,
  delete: async () => undefined,
};

await servePlugin({
  name: process.env["WS_BENCH_PLUGIN"] ?? "command",
  version: process.env["WS_BENCH_VERSION"] ?? "0.0.0",
  resource: () => nothing,
});
