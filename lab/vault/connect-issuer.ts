/** Lets people sign in to Vault with what the lab's sign-in service says of them; their e-mail is who they are. */
import type { Issuers } from "../oidc/issuers.ts";
import type { LabVault } from "./api.ts";
import { enableAuth } from "./enable-auth.ts";

/** Enables and configures the mount `oidc`. Safe to repeat. */
export async function connectIssuer(vault: LabVault, { commandLine, caPem }: Issuers): Promise<void> {
  await enableAuth(vault, "oidc", "oidc");
  await vault.must("POST", "auth/oidc/config", {
    oidc_discovery_url: commandLine.url,
    oidc_discovery_ca_pem: caPem,
    default_role: SIGN_IN_ROLE,
  });
  await vault.must("POST", `auth/oidc/role/${SIGN_IN_ROLE}`, {
    // The token is handed over as it is: no browser is at hand to be sent to and fro.
    role_type: "jwt",
    user_claim: "email",
    bound_audiences: [commandLine.audience],
    bound_claims: { email_verified: true },
    token_ttl: "1h",
  });
}

/** Anybody whom the service vouches for; what they may do comes from their entity. */
export const SIGN_IN_ROLE = "person";
