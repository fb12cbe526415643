/** Starts the plugin `pulumi-resource-vaultpeople`. */

import { servePlugin } from "../runtime/serve.ts";
import { vaultPeopleProvider } from "./provider.ts";

await servePlugin(vaultPeopleProvider());
