/** Starts the plugin `pulumi-resource-forgejo`. */

import { servePlugin } from "../runtime/serve.ts";
import { forgejoProvider } from "./provider.ts";

await servePlugin(forgejoProvider());
