/**
 * Defines the provider of people's identities in Vault and of their workstations' tokens; policies and roles belong to the
 * official provider.
 */

import { z } from "zod";
import { ProviderError } from "../runtime/errors.ts";
import type { Provider } from "../runtime/provider.ts";
import { configReader } from "../runtime/parse-inputs.ts";
import { person } from "./person.ts";
import { workstationToken } from "./workstation-token.ts";
import { openVault, type Vault } from "../../clients/vault/client.ts";

const config = z.object({
  address: z.url({ protocol: /^https?$/, error: "must be Vault's address, as in https://vault.example:8200" }),
  token: z.string().min(1, "must be a token with the rights that docs/vault.md lists"),
  caCert: z.string().optional(),
  /** Numbers of a provider's own configuration travel as JSON text. */
  timeoutSeconds: z.coerce.number().positive().default(15),
  pauseMs: z.coerce.number().nonnegative().default(500),
});

const OWN_TOKEN =
  "the workstation's own token may not do that: it has ended, it is bound to other addresses, or its policy was changed";

/** @param now milliseconds since 1970 */
export function vaultPeopleProvider(now: () => number = Date.now): Provider {
  let opened: { readonly program: Vault; readonly as: (token: string) => Vault } | undefined;
  const connected = () => {
    if (opened === undefined) throw new ProviderError("Vault's address or the token is not known yet");
    return opened;
  };
  const program = () => connected().program;
  const resources = new Map([
    ["vaultpeople:index:Person", person(program)],
    ["vaultpeople:index:WorkstationToken", workstationToken({ program, as: (token) => connected().as(token), now })],
  ]);
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
      const access = { address, ...ca, timeoutMs: timeoutSeconds * 1000, pauseMs };
      const as = (own: string) => openVault({ ...access, token: own, forbidden: OWN_TOKEN });
      opened = { program: openVault({ ...access, token }), as };
    },
    resource: (type) => resources.get(type),
  };
}
