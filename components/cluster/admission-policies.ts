/**
 * Declares the admission policies for tenants: although the role `admin` would allow it, no Service reaches round the
 * ingress, and no Ingress takes a host of the platform.
 */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CONTROLLER_ANNOTATIONS, TOOL_ANNOTATIONS } from "./ingress-annotations.ts";
import { MANAGED, OWNER_LABEL } from "./labels.ts";

export interface AdmissionPoliciesArgs {
  /** Hosts that no tenant's Ingress may claim: the dashboard's, the forge's, the identity proxy's. Plain. */
  readonly protectedHosts: readonly string[];
  /** Annotations that a tenant's Ingress may have besides the listed ones. */
  readonly tenantIngressAnnotations: readonly string[];
}

interface Rail {
  readonly resources: { readonly apiGroup: string; readonly resource: string };
  readonly checks: readonly { readonly expression: string; readonly message: string }[];
}

/**
 * Checked by the API server itself, and refused while it cannot be checked. It binds namespaces that have an owner, and
 * nobody but an admin can take that label away.
 */
export class AdmissionPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: AdmissionPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:GuardRails", name, {}, opts);
    raise(this, `${name}-services`, "workstation-tenant-services", SERVICES);
    raise(this, `${name}-ingresses`, "workstation-tenant-ingresses", ingresses(args));
    this.registerOutputs();
  }
}

const SERVICES: Rail = {
  resources: { apiGroup: "", resource: "services" },
  checks: [
    {
      expression: "!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0",
      message: "a tenant's Service cannot have externalIPs: it would catch other people's traffic",
    },
    {
      expression: "!has(object.spec.type) || object.spec.type != 'ExternalName'",
      message: "a tenant's Service cannot be an ExternalName: the ingress would reach what it must not through it",
    },
    {
      expression:
        "!has(object.metadata.annotations) || " +
        "object.metadata.annotations.all(name, !name.contains('external-dns'))",
      message: "a tenant's Service takes no DNS name by an annotation: name the host in an Ingress",
    },
  ],
};

const ingresses = ({ protectedHosts, tenantIngressAnnotations }: AdmissionPoliciesArgs): Rail => ({
  resources: { apiGroup: "networking.k8s.io", resource: "ingresses" },
  checks: [
    {
      expression:
        "has(object.spec.rules) && !has(object.spec.defaultBackend) && " +
        `object.spec.rules.all(r, has(r.host) && r.host.matches(${HOST}))`,
      message:
        "a tenant's Ingress names its hosts outright, in lower case: no default backend, no rule without a host, no wildcard",
    },
    {
      expression: `!has(object.spec.rules) || object.spec.rules.all(r, !has(r.host) || !(r.host in ${celList(protectedHosts)}))`,
      message: "this host belongs to the platform and not to a tenant",
    },
    // Some controllers (ingress-nginx) present the certificate of any Ingress that lists the host here, whatever its rules
    // say. Others (Traefik) go by the names in the certificate, which lies in a Secret that no rule can look into.
    {
      expression:
        "!has(object.spec.tls) || object.spec.tls.all(t, has(t.hosts) && size(t.hosts) > 0 && " +
        `t.hosts.all(h, h.matches(${HOST})))`,
      message:
        "a tenant's Ingress names the hosts of its certificates outright, in lower case: no entry without hosts, no wildcard",
    },
    {
      expression:
        "!has(object.spec.tls) || object.spec.tls.all(t, !has(t.hosts) || " +
        `t.hosts.all(h, !(h in ${celList(protectedHosts)})))`,
      message: "this host belongs to the platform, and a tenant brings no certificate for it",
    },
    {
      expression:
        "!has(object.metadata.annotations) || object.metadata.annotations.all(name, " +
        `name in ${celList([...TOOL_ANNOTATIONS, ...CONTROLLER_ANNOTATIONS, ...tenantIngressAnnotations])})`,
      message:
        "a tenant's Ingress has only annotations that are known to add no host and to name nothing of another namespace; " +
        "docs/cluster.md lists them, and an admin can allow more",
    },
    {
      expression:
        "!has(object.metadata.annotations) || object.metadata.annotations.all(name, " +
        `!(name in ${celList(CONTROLLER_ANNOTATIONS)}) || object.metadata.annotations[name].matches(${PLAIN_VALUE}))`,
      message:
        "a tenant's Ingress has plain values in its annotations: no quotes, braces, semicolons, backslashes or line ends",
    },
    // Controllers add a unit and write it down: nginx reads neither a negative time nor one that overflows, and keeps the
    // configuration that it had, for everybody.
    {
      expression:
        "!has(object.metadata.annotations) || object.metadata.annotations.all(name, " +
        `!(name in ${celList(CONTROLLER_ANNOTATIONS)}) || !object.metadata.annotations[name].matches(${ODD_NUMBER}))`,
      message: "a tenant's Ingress has numbers from 0 to 999999999 in its annotations",
    },
    // Traefik puts the path into a rule between back-quotes, and nginx into its configuration between quotes.
    {
      expression:
        "!has(object.spec.rules) || object.spec.rules.all(r, !has(r.http) || r.http.paths.all(p, " +
        `!has(p.path) || p.path.matches(${PLAIN_PATH})))`,
      message: "a tenant's Ingress has plain paths: no quotes, braces, semicolons, backslashes, blanks or line ends",
    },
  ],
});

/** As DNS resolves it and controllers compare it: not in upper case, not with a last dot, no wildcard. */
const HOST = "r'^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'";
/** Regular expressions of ingress-nginx pass, but for their counts in braces. */
const PLAIN_PATH = "r'^(/[A-Za-z0-9._~!$&()*+,:=@%/|^?<>\\[\\]-]*)?$'";
const PLAIN_VALUE = "r'^[A-Za-z0-9._~!$&()*+,:=@%/|^?<> \\[\\]-]*$'";
/** Negative, or of ten digits and more. */
const ODD_NUMBER = "r'^ *(-[0-9]|[+]?[0-9]{10})'";

/**
 * An object that was made before the policy may break a rule. Taking a finalizer or a label off it is an update, too, and
 * without that it could not be deleted. One that is being deleted serves until it is gone, so its spec stays checked.
 */
const SPEC_OR_ANNOTATIONS_CHANGE = {
  name: "spec-or-annotations-change",
  expression:
    "request.operation != 'UPDATE' || object.spec != oldObject.spec || " +
    `${annotationsOf("object")} != ${annotationsOf("oldObject")}`,
};

function annotationsOf(variable: string): string {
  return `(has(${variable}.metadata.annotations) ? ${variable}.metadata.annotations : {})`;
}

/** A list of strings as CEL writes it. The settings admit names without quotes only, so nothing in them needs escaping. */
const celList = (texts: readonly string[]) =>
  `[${[...texts]
    .sort()
    .map((text) => `'${text}'`)
    .join(", ")}]`;

/** Declared, though the API server sets them so by itself: what is not declared can be added to without anybody's notice. */
const ALL_OBJECTS = { objectSelector: {}, excludeResourceRules: [] };

function raise(parent: AdmissionPolicies, name: string, objectName: string, rail: Rail): void {
  const { apiGroup, resource } = rail.resources;
  const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
    name,
    {
      metadata: { name: objectName, labels: MANAGED },
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          ...ALL_OBJECTS,
          namespaceSelector: {},
          resourceRules: [
            { apiGroups: [apiGroup], apiVersions: ["*"], operations: ["CREATE", "UPDATE"], resources: [resource] },
          ],
        },
        matchConditions: [SPEC_OR_ANNOTATIONS_CHANGE],
        validations: rail.checks.map(({ expression, message }) => ({ expression, message })),
      },
    },
    { parent },
  );
  new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
    name,
    {
      metadata: { name: objectName, labels: MANAGED },
      spec: {
        policyName: objectName,
        validationActions: ["Deny"],
        matchResources: {
          ...ALL_OBJECTS,
          namespaceSelector: { matchExpressions: [{ key: OWNER_LABEL, operator: "Exists" }] },
        },
      },
    },
    { parent, dependsOn: [policy] },
  );
}
