/** Defines the provider of people's identities in Vault; policies and roles belong to the official provider. */

import { z } from "zod";
import { ProviderError } from "../runtime/errors.ts";
import type { Provider } from "../runtime/provider.ts";
import { configReader } from "../runtime/parse-inputs.ts";
import { person } from "./person.ts";
import { openVault, type Vault } from "../../clients/vault/client.ts";

const config = z.object({
  address: z.url({ protocol: /^https?$/, error: "must be Vault's address, as in https://vault.example:8200" }),
  token: z.string().min(1, "must be a token with the rights that docs/vault.md lists"),
  caCert: z.string().optional(),
  /** Numbers of a provider's own configuration travel as JSON text. */
  timeoutSeconds: z.coerce.number().positive().default(15),
  pauseMs: z.coerce.number().nonnegative().default(500),
});

export function vaultPeopleProvider(): Provider {
  let opened: Vault | undefined;
  const resource = person(() => {
    if (opened === undefined) throw new ProviderError("Vault's address or the token is not known yet");
    return opened;
  });
  const reader = configReader(config);
  return {
    name: "vaultpeople",
    version: "0.1.0",
    replacingConfig: ["address"],
    checkConfig: async ({ inputs }) => reader.check(inputs),
    configure: async (args) => {
      const read = reader.read(args);
      if (read === undefined) return;
      const { address, token, caCert, timeoutSeconds, pauseMs } = read;
      const ca = caCert === undefined ? {} : { ca: caCert };
      opened = openVault({ address, token, ...ca, timeoutMs: timeoutSeconds * 1000, pauseMs });
    },
    resource: (type) => (type === "vaultpeople:index:Person" ? resource : undefined),
  };
}
