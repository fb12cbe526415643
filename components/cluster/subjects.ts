/** Builds the subjects and the role reference of a binding in the API's form. */

import type { Email } from "../../roster/model.ts";
import { NOBODY } from "../../roster/object-names.ts";

const RBAC = "rbac.authorization.k8s.io";

/** A person: the API server knows them by their e-mail, without a prefix. */
export const user = (email: Email) => ({ apiGroup: RBAC, kind: "User", name: email });

export const serviceAccount = (namespace: string, name: string) => ({ kind: "ServiceAccount", name, namespace });

export const clusterRole = (name: string) => ({ apiGroup: RBAC, kind: "ClusterRole", name });

export const role = (name: string) => ({ apiGroup: RBAC, kind: "Role", name });

interface Subject {
  readonly kind: string;
  readonly name: string;
}

/** The subjects of a binding that stays when nobody is left in it: then {@link NOBODY} is. */
export const orNobody = <S extends Subject>(subjects: readonly S[]) =>
  subjects.length === 0 ? [{ apiGroup: RBAC, kind: "User", name: NOBODY }] : [...subjects];
