/** Declares a ServiceAccount with a lasting token. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { tokenSecret } from "./names.ts";

export interface AccountWithToken {
  readonly account: k8s.core.v1.ServiceAccount;
  /** The bearer token. Secret, and unknown in a first preview. */
  readonly token: pulumi.Output<string>;
}

/**
 * Declares the account and a Secret that the cluster fills with a token of it.
 * The token is not mounted anywhere by itself: only who is given it has it.
 * @param name of the resources
 */
export function accountWithToken(
  name: string,
  metadata: { readonly name: string; readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  opts: pulumi.CustomResourceOptions,
): AccountWithToken {
  const account = new k8s.core.v1.ServiceAccount(name, { metadata, automountServiceAccountToken: false }, opts);
  const secret = new k8s.core.v1.Secret(
    `${name}-token`,
    {
      metadata: {
        ...metadata,
        name: tokenSecret(metadata.name),
        annotations: { "kubernetes.io/service-account.name": metadata.name },
      },
      type: "kubernetes.io/service-account-token",
    },
    { ...opts, dependsOn: [account] },
  );
  return { account, token: pulumi.secret(secret.data.apply((data) => decoded(data, metadata))) };
}

function decoded(
  data: Readonly<Record<string, string>> | undefined,
  { name, namespace }: Record<"name" | "namespace", string>,
) {
  const token = data?.token;
  // A preview may show the Secret as it will be asked for: the cluster has not filled it yet.
  if (token === undefined && pulumi.runtime.isDryRun()) return "";
  if (token === undefined) {
    throw new Error(
      `The cluster put no token into the Secret ${namespace}/${tokenSecret(name)}; is its controller manager running?`,
    );
  }
  return Buffer.from(token, "base64").toString("utf8");
}
