/**
 * Declares the only route to the injector: its Service, the Ingress behind the identity proxy, and the NetworkPolicy
 * that keeps everything else in the cluster out.
 */

import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { MANAGED } from "../labels.ts";
import { INJECTOR, SELECTOR } from "./names.ts";
import { REQUEST_PORT } from "./proxy/contract.ts";

export interface IngressPath {
  readonly host: string;
  readonly className: string;
  /**
   * What puts the identity proxy in front: an annotation that the ingress controller understands. It must overwrite the
   * identity header of the client, for it is that header by which people are known.
   */
  readonly forwardAuth: { readonly annotation: string; readonly value: string };
  readonly annotations: Readonly<Record<string, string>>;
  readonly tlsSecret?: string;
  /** The pods of the ingress controller: they alone may connect. */
  readonly controller: { readonly namespace: string; readonly podLabels: Readonly<Record<string, string>> };
}

export function declareIngressPath(
  parent: pulumi.Resource,
  name: string,
  namespace: string,
  ingressPath: IngressPath,
): void {
  const metadata = { name: INJECTOR, namespace, labels: MANAGED };
  const service = new k8s.core.v1.Service(
    name,
    { metadata, spec: { selector: SELECTOR, ports: [{ name: "http", port: 80, targetPort: REQUEST_PORT }] } },
    // The cluster chooses them, and of an adopted Service they are inputs: to take them out would mean to delete it.
    { parent, ignoreChanges: ["spec.clusterIP", "spec.clusterIPs"] },
  );
  const networkPolicy = new k8s.networking.v1.NetworkPolicy(
    name,
    {
      metadata,
      spec: {
        podSelector: { matchLabels: SELECTOR },
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": ingressPath.controller.namespace } },
                podSelector: { matchLabels: ingressPath.controller.podLabels },
              },
            ],
            ports: [{ protocol: "TCP", port: REQUEST_PORT }],
          },
        ],
      },
    },
    { parent },
  );
  declareIngress(parent, name, { ...metadata, annotations: annotationsOf(ingressPath) }, ingressPath, [
    service,
    networkPolicy,
  ]);
}

const annotationsOf = ({ annotations, forwardAuth }: IngressPath) => ({
  // The controller may write no address into the Ingress: nobody is to wait for one.
  "pulumi.com/skipAwait": "true",
  ...annotations,
  [forwardAuth.annotation]: forwardAuth.value,
});

const declareIngress = (
  parent: pulumi.Resource,
  name: string,
  metadata: { readonly name: string; readonly namespace: string; readonly annotations: Record<string, string> },
  { host, className, tlsSecret }: IngressPath,
  after: pulumi.Resource[],
) =>
  new k8s.networking.v1.Ingress(
    name,
    {
      metadata,
      spec: {
        ingressClassName: className,
        ...(tlsSecret === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecret }] }),
        rules: [
          {
            host,
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name: INJECTOR, port: { name: "http" } } } },
              ],
            },
          },
        ],
      },
    },
    { parent, dependsOn: after },
  );
