/** What `pulumi-resource-forgejo` runs. */

import { servePlugin } from "../runtime/serve.ts";
import { forgejoProvider } from "./provider.ts";

await servePlugin(forgejoProvider());
