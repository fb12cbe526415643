/** Defines the input of the program that changes a control plane. Nothing of it is secret. */

export interface SignInPart {
  readonly version: 1;
  /** The AuthenticationConfiguration, as `authenticationText` writes it. */
  readonly authentication: string;
  readonly paths: ControlPlanePaths;
}

/** Where things are on a control plane; `KUBEADM` are kubeadm's own. */
export interface ControlPlanePaths {
  /** The API server's static manifest. */
  readonly manifest: string;
  /** Folder of our configuration files. It is mounted into the API server under the same path. */
  readonly folder: string;
  /** Kubeconfig of the cluster's own admin, for kubeadm's ConfigMap. */
  readonly adminKubeconfig: string;
  readonly kubectl: string;
  /** Answers 200 when the API server lives. */
  readonly livez: string;
  readonly caFile: string;
  /** For how long a changed API server may take to live. */
  readonly withinMs: number;
}

export const KUBEADM: ControlPlanePaths = {
  manifest: "/etc/kubernetes/manifests/kube-apiserver.yaml",
  folder: "/etc/kubernetes/authentication",
  adminKubeconfig: "/etc/kubernetes/admin.conf",
  kubectl: "kubectl",
  livez: "https://127.0.0.1:6443/livez",
  caFile: "/etc/kubernetes/pki/ca.crt",
  withinMs: 180_000,
};
