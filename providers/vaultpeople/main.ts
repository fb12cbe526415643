/** What `pulumi-resource-vaultpeople` runs. */

import { servePlugin } from "../runtime/serve.ts";
import { vaultPeopleProvider } from "./provider.ts";

await servePlugin(vaultPeopleProvider());
