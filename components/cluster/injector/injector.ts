/**
 * Declares the token injector, which turns the identity that the forward-auth proxy reports into that person's
 * dashboard token.
 */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { AuthentikUser } from "../../../roster/model.ts";
import { MANAGED } from "../labels.ts";
import { deployInjector } from "./deployment.ts";
import { digestOf, mapPieces, mapText } from "./identity-map.ts";
import { INJECTOR } from "./names.ts";
import type { TokenForm, InjectorConfig } from "./proxy/contract.ts";
import { declareIngressPath, type IngressPath } from "./ingress-path.ts";

export interface InjectorArgs {
  /** Namespace of the dashboard. */
  readonly namespace: string;
  /** Official image with node in it; the program itself comes from a ConfigMap, so nobody needs a registry of their own. */
  readonly image: string;
  /** The injector's program, one ES module for node 18 or newer. */
  readonly program: string;
  readonly backend: { readonly origin: string; readonly caPem?: string };
  /** Where browsers find the dashboard, without a path. */
  readonly origin: string;
  readonly identityHeader: string;
  readonly handOn: TokenForm;
  readonly admitted?: { readonly header: string; readonly separator: string; readonly groups: readonly string[] };
  readonly sharedSecret?: {
    readonly header: string;
    readonly value: pulumi.Input<string>;
    /** Accepted as well, until the ingress sends the other one. */
    readonly previous?: pulumi.Input<string> | undefined;
  };
  readonly passHeaders: readonly string[];
  /** Who is known: plain, it decides the entries and a preview shows them. The tokens are secret, and unknown at first. */
  readonly tokens: ReadonlyMap<AuthentikUser, pulumi.Output<string>>;
  readonly ingressPath: IngressPath;
}

/** Two pods behind a Service that only the ingress controller may reach; they roll when the map changes. */
export class Injector extends pulumi.ComponentResource {
  constructor(name: string, args: InjectorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:Injector", name, {}, opts);
    const map = writeMap(this, name, args);
    const settings = writeSettings(this, name, args);
    const secret = writeSharedSecret(this, name, args);
    const digest = pulumi
      .all([...map.texts, args.sharedSecret?.value ?? "", args.sharedSecret?.previous ?? ""])
      .apply((texts) => digestOf([...texts, settings.text, args.program]));
    deployInjector(this, name, {
      namespace: args.namespace,
      image: args.image,
      mapSecrets: map.secrets,
      settings: settings.name,
      ...(secret === undefined ? {} : { sharedSecret: secret }),
      // A digest is no secret, and the pods' template stays readable in a preview.
      digest: pulumi.unsecret(digest),
      after: [...map.resources, settings.resource],
    });
    declareIngressPath(this, name, args.namespace, args.ingressPath);
    this.registerOutputs();
  }
}

/** In Secrets: namespace-owners may not read them, while a ConfigMap might be opened to them by the next role. */
function writeMap(parent: Injector, name: string, { namespace, tokens }: InjectorArgs) {
  const pieces = mapPieces([...tokens.keys()]).map(({ index, identities }) => {
    const text = pulumi
      .all(identities.map((identity) => tokens.get(identity) ?? pulumi.output("")))
      .apply((found) => mapText(identities.map((identity, i) => [identity, found[i] ?? ""])));
    const secretName = `${INJECTOR}-map-${index}`;
    const resource = new k8s.core.v1.Secret(
      `${name}-map-${index}`,
      {
        metadata: { name: secretName, namespace, labels: MANAGED },
        stringData: { "identities.json": pulumi.secret(text) },
      },
      { parent },
    );
    return { text, secretName, resource };
  });
  return {
    texts: pieces.map(({ text }) => text),
    secrets: pieces.map(({ secretName }) => secretName),
    resources: pieces.map(({ resource }) => resource),
  };
}

function writeSettings(parent: Injector, name: string, args: InjectorArgs) {
  const config: InjectorConfig = {
    version: 1,
    backend: args.backend,
    origin: args.origin,
    identityHeader: args.identityHeader,
    handOn: args.handOn,
    ...(args.admitted === undefined ? {} : { admitted: args.admitted }),
    ...(args.sharedSecret === undefined ? {} : { sharedSecretHeader: args.sharedSecret.header }),
    passHeaders: args.passHeaders,
    identities: args.tokens.size,
  };
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  const resource = new k8s.core.v1.ConfigMap(
    `${name}-settings`,
    {
      metadata: { name: INJECTOR, namespace: args.namespace, labels: MANAGED },
      data: { "config.json": text, "injector.mjs": args.program },
    },
    { parent },
  );
  return { text, name: INJECTOR, resource };
}

function writeSharedSecret(parent: Injector, name: string, { namespace, sharedSecret }: InjectorArgs) {
  if (sharedSecret === undefined) return undefined;
  const secretName = `${INJECTOR}-shared-secret`;
  new k8s.core.v1.Secret(
    `${name}-shared-secret`,
    {
      metadata: { name: secretName, namespace, labels: MANAGED },
      stringData: {
        value: pulumi.secret(sharedSecret.value),
        ...(sharedSecret.previous === undefined ? {} : { previous: pulumi.secret(sharedSecret.previous) }),
      },
    },
    { parent },
  );
  return secretName;
}
