/** Declares one tenant namespace of one namespace-owner, and the rights in it. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Email, K8sUser, Namespace, Quota } from "../../roster/model.ts";
import { dashboardAccount } from "../../roster/object-names.ts";
import { managedBy } from "./labels.ts";
import { DEPLOYER_ACCOUNT } from "./names.ts";
import { apiRules, DEPLOYER_ROLE, DEPLOYER_RULES, OWNER_ROLE } from "./tier-rights.ts";
import { declareTenantNamespace } from "./tenant-namespace.ts";
import { clusterRole, orNobody, role, serviceAccount, user } from "./subjects.ts";
import { accountWithToken } from "./service-account-token.ts";

export interface TenantArgs {
  /** Plain: it decides which resources exist. */
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  /** Who may work here. Absent for somebody who left or whose e-mail is not known yet: the room stays, without them. */
  readonly admit?: Email;
  readonly quota: Quota;
  /**
   * The owner's namespace whose dashboard account the token injector speaks as. One person has one token there, so that
   * account is admitted to all of their namespaces.
   */
  readonly home: Namespace;
  /** Whether the namespace was somebody else's, of whom the cluster may still hold something. */
  readonly isHandedOver: boolean;
  /** What no longer admits an account of this namespace before its next owner, who can speak as the account, is admitted here. */
  readonly admitAfter: readonly pulumi.Resource[];
}

/** A tenant's namespace. It is kept when its owner leaves, and only the destructive command ends its protection. */
export class Tenant extends pulumi.ComponentResource {
  /** Token of this namespace's dashboard account; absent while nobody is admitted. */
  readonly dashboardToken: pulumi.Output<string> | undefined;
  /** The last of what is declared here: whom the dashboard speaks as. */
  readonly settled: pulumi.Resource;

  constructor(name: string, args: TenantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:Tenant", name, {}, opts);
    const inNamespace = declareTenantNamespace(this, name, args);
    const within = { parent: this, dependsOn: [inNamespace] };
    this.settled = bindRights(name, args, { parent: this, dependsOn: [inNamespace, ...args.admitAfter] });
    this.dashboardToken = args.admit === undefined ? undefined : admitAccounts(name, args, within);
    this.registerOutputs();
  }
}

/**
 * The bindings stay when the owner goes, with nobody in them: that is a change, which the engine makes in its turn. It
 * deletes only after all else has gone well, and a cut must not wait for a host that is down.
 * @returns what is declared last
 */
function bindRights(name: string, args: TenantArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { namespace, owner, home, admit } = args;
  const labels = managedBy(owner);
  const isIn = admit !== undefined;
  const bind = (called: string, roleRef: ReturnType<typeof role>, subjects: Subjects, more = opts) =>
    new k8s.rbac.v1.RoleBinding(
      `${name}-${called}`,
      { metadata: { name: called, namespace, labels }, roleRef, subjects: orNobody(subjects) },
      more,
    );
  bind("owner", clusterRole(OWNER_ROLE), isIn ? [user(admit)] : []);
  const rules = new k8s.rbac.v1.Role(
    `${name}-deployer`,
    { metadata: { name: DEPLOYER_ROLE, namespace, labels }, rules: apiRules(DEPLOYER_RULES) },
    opts,
  );
  const deployer = isIn ? [serviceAccount(namespace, DEPLOYER_ACCOUNT)] : [];
  bind(DEPLOYER_ROLE, role(DEPLOYER_ROLE), deployer, { ...opts, dependsOn: [rules, ...args.admitAfter] });
  const from = [...new Set([namespace, home])].map((inNamespace) =>
    serviceAccount(inNamespace, dashboardAccount(owner)),
  );
  return bind("dashboard", clusterRole(OWNER_ROLE), isIn ? from : []);
}

type Subjects = readonly (ReturnType<typeof user> | ReturnType<typeof serviceAccount>)[];

/** The accounts that go when the owner goes: the dashboard's with its token, and that of their own pipelines. */
function admitAccounts(
  name: string,
  { namespace, owner, isHandedOver }: TenantArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const labels = managedBy(owner);
  // A former owner may hold tokens of the account, and Vault gives its holder the present owner's secrets. They end with it.
  const anew = isHandedOver ? { replaceOnChanges: ["metadata"], deleteBeforeReplace: true } : {};
  // Vault hands out its token to whoever deploys for the owner without being the owner.
  new k8s.core.v1.ServiceAccount(
    `${name}-deployer`,
    { metadata: { name: DEPLOYER_ACCOUNT, namespace, labels }, automountServiceAccountToken: false },
    { ...opts, ...anew },
  );
  return accountWithToken(`${name}-dashboard`, { name: dashboardAccount(owner), namespace, labels }, opts).token;
}
