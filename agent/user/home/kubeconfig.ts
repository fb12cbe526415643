/**
 * Writes a kubeconfig with the user's own identity where there is none, and renews one that is still as this program
 * wrote it: server, CA, and a sign-in through the browser.
 */

import { mkdirSync } from "node:fs";
import type { ClonesPart } from "../../contract.ts";
import { lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { type Change, type Step, says } from "../../lib/converge.ts";
import { SIGN_IN_GRANTS } from "../../sign-in-grants.ts";
import type { StepContext } from "./step-context.ts";

export function kubeconfig(context: StepContext): Step {
  const directory = `${context.home}/.kube`;
  const path = `${directory}/config`;
  const wanted = context.part.kubeconfig;
  return {
    name: "kubeconfig",
    differences: () => {
      if (wanted === undefined) return [];
      const there = lstat(path);
      const bytes = kubeconfigText(wanted);
      const apply = () => replaceFile(path, { bytes, mode: 0o600 });
      if (there !== undefined) {
        // A link, or whatever else is no plain file, is the person's own.
        const text = there.isFile() && there.size <= LARGEST ? readSmallFile(path)?.toString("utf8") : undefined;
        return text !== undefined && text !== bytes && rendersOf(wanted).includes(text)
          ? [{ point: "kubeconfig", says: says("update", "~/.kube/config"), apply }]
          : [];
      }
      const changes: Change[] = [];
      if (lstat(directory) === undefined) {
        changes.push({
          point: "kube-directory",
          says: says("create", "~/.kube"),
          apply: () => mkdirSync(directory, { mode: 0o700 }),
        });
      }
      return [...changes, { point: "kubeconfig", says: says("write", "~/.kube/config"), apply }];
    },
  };
}

type Access = NonNullable<ClonesPart["kubeconfig"]>;

/** A longer file is not one of this program's. */
const LARGEST = 256 * 1024;

/** Every text that this program may have written for this access, whichever grant was configured. */
function rendersOf({ grant: _, redirectUrl, ...access }: Access): readonly string[] {
  const grants = SIGN_IN_GRANTS.map((grant) => ({ ...access, grant }));
  const redirected = redirectUrl === undefined ? [] : grants.map((grant) => ({ ...grant, redirectUrl }));
  return [access, ...grants, ...redirected].map(kubeconfigText);
}

function grantFlags({ grant, redirectUrl }: Access): readonly string[] {
  if (grant === undefined) return [];
  // On a host without a browser, kubelogin must not start one that runs in the terminal.
  if (grant !== "authcode-keyboard") return [`--grant-type=${grant}`, "--skip-open-browser"];
  // Since kubelogin 1.33 this grant has no redirect address of its own.
  return [`--grant-type=${grant}`, ...(redirectUrl === undefined ? [] : [`--oidc-redirect-url=${redirectUrl}`])];
}

/** Written as JSON, which is YAML with unambiguous quoting. */
export function kubeconfigText(of: Access): string {
  const args = [
    "oidc-login",
    "get-token",
    `--oidc-issuer-url=${of.issuer}`,
    `--oidc-client-id=${of.clientId}`,
    ...["email", "profile", "groups"].map((scope) => `--oidc-extra-scope=${scope}`),
    ...grantFlags(of),
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
