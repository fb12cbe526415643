/** Writes a kubeconfig with the user's own identity where there is none: server, CA, and a login in the browser. */

import { mkdirSync } from "node:fs";
import type { ClonesPart } from "../../contract.ts";
import { lstat, replaceFile } from "../../lib/files.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import type { StepContext } from "./step-context.ts";

export function kubeconfig(place: StepContext): Step {
  const directory = `${place.home}/.kube`;
  const path = `${directory}/config`;
  const wanted = place.part.kubeconfig;
  return {
    name: "kubeconfig",
    differences: () => {
      if (wanted === undefined || lstat(path) !== undefined) return [];
      const changes: Change[] = [];
      if (lstat(directory) === undefined) {
        changes.push({
          point: "kube-directory",
          says: says("create", "~/.kube"),
          apply: () => mkdirSync(directory, { mode: 0o700 }),
        });
      }
      const apply = () => replaceFile(path, { bytes: kubeconfigText(wanted), mode: 0o600 });
      return [...changes, { point: "kubeconfig", says: says("write", "~/.kube/config"), apply }];
    },
  };
}

/** Written as JSON, which is YAML with unambiguous quoting. */
export function kubeconfigText(of: NonNullable<ClonesPart["kubeconfig"]>): string {
  const args = [
    "oidc-login",
    "get-token",
    `--oidc-issuer-url=${of.issuer}`,
    `--oidc-client-id=${of.clientId}`,
    ...["email", "profile", "groups"].map((scope) => `--oidc-extra-scope=${scope}`),
  ];
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "kubectl",
    args,
    interactiveMode: "IfAvailable",
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: of.cluster, cluster: { server: of.server, "certificate-authority-data": of.caData } }],
    users: [{ name: "oidc", user: { exec } }],
    contexts: [{ name: of.cluster, context: { cluster: of.cluster, user: "oidc" } }],
    "current-context": of.cluster,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
