/** Starts the plugin `pulumi-resource-plantedrights`. */

import { servePlugin } from "../runtime/serve.ts";
import { delegatedRightsProvider } from "./provider.ts";

await servePlugin(delegatedRightsProvider());
