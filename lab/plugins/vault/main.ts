/** Serves the emulated `vault` plugin: the two resource types that the program uses, on the real server. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { ProviderError, unsupported } from "../../../providers/runtime/errors.ts";
import type { Resource } from "../../../providers/runtime/provider.ts";
import { servePlugin } from "../../../providers/runtime/serve.ts";
import { configReader } from "../../../providers/runtime/parse-inputs.ts";
import { openVault, type Vault } from "../../../clients/vault/client.ts";
import { standInVersion } from "../version.ts";
import { authBackendRole } from "./auth-backend-role.ts";
import { policy } from "./policy.ts";

/** What of the official provider's configuration the program sets. */
const config = configReader(
  z.object({ address: z.url(), token: z.string().min(1), caCertFile: z.string().optional() }),
);

let opened: Vault | undefined;
const vault = (): Vault => {
  if (opened === undefined) throw new ProviderError("Vault's address or the token is not known yet");
  return opened;
};

const RESOURCES: Readonly<Record<string, Resource>> = {
  "vault:index/policy:Policy": policy(vault),
  "vault:kubernetes/authBackendRole:AuthBackendRole": authBackendRole(vault),
};

void servePlugin({
  name: "vault",
  version: standInVersion(),
  replacingConfig: ["address"],
  checkConfig: async ({ inputs }) => config.check(inputs),
  configure: async (args) => {
    const read = config.read(args);
    if (read === undefined) return;
    const ca = read.caCertFile === undefined ? {} : { ca: readFileSync(read.caCertFile, "utf8") };
    opened = openVault({ address: read.address, token: read.token, ...ca, timeoutMs: 30_000, pauseMs: 500 });
  },
  resource: (type) => {
    const resource = RESOURCES[type];
    if (resource !== undefined) return resource;
    throw unsupported(
      `${type}: the lab's emulated vault plugin has ${Object.keys(RESOURCES).join(" and ")} only; ` +
        "with the official plugin on the PATH or in WS_LAB_PLUGINS the lab uses that instead",
    );
  },
});
