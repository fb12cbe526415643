/** Lets people sign in to the lab's API server with tokens of its two issuers. */

import { readFile, writeFile } from "node:fs/promises";
import { authenticationText } from "../../../components/cluster/api-server/authentication.ts";
import { ensureCertificates } from "../../../lab/cluster/certificates.ts";
import { type Issuer, type Issuers, startIssuers } from "../../../lab/oidc/issuers.ts";
import { eventually } from "./api.ts";
import type { LabCluster } from "./lab-cluster.ts";

/** Starts the issuers and waits until the API server takes tokens of both. */
export async function openSignIn(lab: LabCluster): Promise<Issuers> {
  const issuers = await startIssuers(lab.instance, await ensureCertificates(lab.instance));
  const { commandLine, dashboard, caPem } = issuers;
  const wanted = [commandLine, dashboard].map(({ url, audience }) => ({ url, audiences: [audience], caPem }));
  const { jwt } = JSON.parse(authenticationText(wanted));
  const present = JSON.parse(await readFile(lab.authenticationFile, "utf8"));
  // What the lab says of anonymous callers stays: it is fixed when the server starts.
  await writeFile(lab.authenticationFile, JSON.stringify({ ...present, jwt }, undefined, 2));
  for (const issuer of [commandLine, dashboard]) {
    await eventually(
      `tokens of ${issuer.url}`,
      async () => ((await whoAmI(lab, token(issuer, "probe@people.test"))).status === 201 ? true : undefined),
      120_000,
    );
  }
  return issuers;
}

/** A token as a sound issuer gives it to somebody. */
export const token = (issuer: Issuer, email: string, groups: readonly string[] = []): string =>
  issuer.token({ email, email_verified: true, groups });

/** As whom the API server sees the bearer. */
export const whoAmI = (lab: LabCluster, bearer: string) =>
  lab.as(bearer)("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
  });
