/** Declares the API server's own sign-in on the control planes of the configuration. */

import * as pulumi from "@pulumi/pulumi";
import { ApiServerSignIn } from "../components/cluster/api-server/api-server-sign-in.ts";
import { signInProgram } from "./bundled-programs.ts";
import type { ApiServerSettings } from "../config/settings/api-server.ts";
import { tokenIssuers } from "./token-issuers.ts";

/** @param drift what is not as it should be there, in words; a change of it runs the installation again */
export function deploySignIn(settings: ApiServerSettings, drift: string): void {
  new ApiServerSignIn("api-server-sign-in", {
    issuers: tokenIssuers(settings),
    controlPlanes: settings.controlPlanes,
    privateKey: pulumi.secret(settings.sshPrivateKey),
    program: signInProgram(),
    drift,
  });
}
