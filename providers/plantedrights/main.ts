/** What `pulumi-resource-plantedrights` runs. */

import { servePlugin } from "../runtime/serve.ts";
import { plantedRightsProvider } from "./provider.ts";

await servePlugin(plantedRightsProvider());
