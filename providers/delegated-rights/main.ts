/** Starts the plugin `pulumi-resource-plantedrights`. */

import { servePlugin } from "../runtime/serve.ts";
import { plantedRightsProvider } from "./provider.ts";

await servePlugin(plantedRightsProvider());
