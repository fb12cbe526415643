/** Reads the rights of the deployment's account in the cluster from `ci/deployment-role.yaml`. */

import { parseAllDocuments } from "yaml";
import { z } from "zod";

/** A resource of the API and the verbs that the deployment needs on it, cluster-wide. */
export interface RequiredRight {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
}

/** The manifest that grants everything, relative to the project. */
export const ROLE_FILE = "ci/deployment-role.yaml";

const rule = z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) });
const role = z.object({ kind: z.literal("ClusterRole"), rules: z.array(rule) });

/** Pure. @param manifest the text of the manifest */
export function requiredRights(manifest: string): readonly RequiredRight[] {
  const roles = parseAllDocuments(manifest).flatMap((document) => {
    const parsed = role.safeParse(document.toJS());
    return parsed.success ? [parsed.data] : [];
  });
  return roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource, verbs }))),
    ),
  );
}
