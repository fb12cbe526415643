/** Declares the ServiceAccount that every admin's dashboard uses. */

import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { TIERS } from "../../roster/tiers.ts";
import { MANAGED } from "./labels.ts";
import { ADMIN_ACCOUNT } from "./names.ts";
import { clusterRole, serviceAccount } from "./subjects.ts";
import { accountWithToken } from "./service-account-token.ts";

export interface AdminDashboardArgs {
  /** The dashboard's own namespace, which is no tenant's: whoever may read Secrets there is an admin. */
  readonly namespace: string;
}

export class AdminDashboard extends pulumi.ComponentResource {
  readonly token: pulumi.Output<string>;

  constructor(name: string, { namespace }: AdminDashboardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:AdminDashboard", name, {}, opts);
    const { token } = accountWithToken(name, { name: ADMIN_ACCOUNT, namespace, labels: MANAGED }, { parent: this });
    new k8s.rbac.v1.ClusterRoleBinding(
      name,
      {
        metadata: { name: ADMIN_ACCOUNT, labels: MANAGED },
        roleRef: clusterRole(TIERS.admin.clusterRole),
        subjects: [serviceAccount(namespace, ADMIN_ACCOUNT)],
      },
      { parent: this },
    );
    this.token = token;
    this.registerOutputs();
  }
}
