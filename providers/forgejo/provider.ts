/** Defines the Forgejo provider: its configuration, its resource types and its one function. */

import { z } from "zod";
import { ProviderError, unsupported } from "../runtime/errors.ts";
import type { Provider, Resource } from "../runtime/provider.ts";
import { type Forge, openForge } from "../../clients/forgejo/client.ts";
import { auditRepository } from "./audit.ts";
import { accessToken } from "./resources/access-token.ts";
import { branchProtection } from "./resources/branch-protection.ts";
import { branchWriters } from "./resources/branch-writers.ts";
import { collaborator } from "./resources/collaborator.ts";
import { tagProtection } from "./resources/tag-protection.ts";
import { configReader } from "../runtime/parse-inputs.ts";

const config = z.object({
  url: z.url({ protocol: /^https?$/, error: "must be the forge's address, as in https://forgejo.example" }),
  username: z.string().min(1, "must be an administrator's login"),
  password: z.string().min(1, "must be that administrator's password: an access token cannot issue tokens"),
  caCert: z.string().optional(),
  /** Numbers of the provider's own configuration travel as JSON text. */
  timeoutSeconds: z.coerce.number().positive().default(15),
  pauseMs: z.coerce.number().nonnegative().default(500),
});

/** @param now milliseconds since 1970; what decides that a token is due */
export function forgejoProvider(now: () => number = Date.now): Provider {
  let opened: Forge | undefined;
  const forge = (): Forge => {
    if (opened === undefined) throw new ProviderError("the forge's address or password is not known yet");
    return opened;
  };
  const resources: ReadonlyMap<string, Resource> = new Map([
    ["forgejo:index:BranchProtection", branchProtection(forge)],
    ["forgejo:index:BranchWriters", branchWriters(forge)],
    ["forgejo:index:Collaborator", collaborator(forge)],
    ["forgejo:index:TagProtection", tagProtection(forge)],
    ["forgejo:index:AccessToken", accessToken(forge, now)],
  ]);
  const reader = configReader(config);
  return {
    name: "forgejo",
    version: "0.1.0",
    replacingConfig: ["url"],
    checkConfig: async ({ inputs }) => reader.check(inputs),
    configure: async (args) => {
      const read = reader.read(args);
      if (read === undefined) return;
      const { url, username, password, caCert, timeoutSeconds, pauseMs } = read;
      const ca = caCert === undefined ? {} : { ca: caCert };
      opened = openForge({ url, username, password, ...ca, timeoutMs: timeoutSeconds * 1000, pauseMs });
    },
    resource: (type) => resources.get(type),
    invoke: async (token, args, call) => {
      if (token === "forgejo:index:auditRepository") return auditRepository(forge(), args, call.signal);
      throw unsupported(`the forgejo provider has no function ${token}`);
    },
  };
}
