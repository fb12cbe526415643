/** A generated roster of any size, with the user map and the configuration that go with it. */

import { stringify } from "yaml";

export interface ManyPeople {
  readonly roster: string;
  readonly userMap: string;
  /** The stack's configuration, which names the two files. */
  readonly config: (rosterFile: string, userMapFile: string, kubeconfig: string) => string;
}

/** One admin in twenty, one power-user in four, the rest owners of one namespace each. */
export function manyPeople(count: number): ManyPeople {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const tierOf = (n: number) => (n % 20 === 0 ? "admin" : n % 4 === 1 ? "power-user" : "namespace-owner");
  const row = (n: number) => ({
    authentik_user: `login-${n}`,
    k8s_user: `k-${n}`,
    tier: tierOf(n),
    ...(tierOf(n) === "namespace-owner" ? { namespaces: [`room-${n}`] } : {}),
    ...(n % 3 === 0 ? { code_layout: "workspace", repos: ["tripit"] } : {}),
  });
  const user = (n: number) => ({ role: tierOf(n), email: `p${n}@lab.example` });
  return {
    roster: stringify({ users: Object.fromEntries(numbers.map((n) => [`p${n}`, row(n)])) }),
    userMap: JSON.stringify(Object.fromEntries(numbers.map((n) => [`k-${n}`, user(n)]))),
    config: (...given) => stringify({ config: configOf(...given) }),
  };
}

const configOf = (rosterFile: string, userMapFile: string, kubeconfig: string) => ({
  "workstation:roster": rosterFile,
  "workstation:userMapFile": userMapFile,
  "workstation:hosts": [{ name: "devvm", address: "127.0.0.1", hostKey: "ssh-ed25519 AAAAC3Nza" }],
  "workstation:sshPrivateKey": "not used: nothing is reached",
  "workstation:kubeconfig": kubeconfig,
  "workstation:devvm": {
    commands: { t3: ["/bin/true"], browser: ["/bin/true"], credentialSync: ["/bin/true"] },
    repositories: { infraMirror: "http://127.0.0.1/o/infra.git", forgejo: "http://127.0.0.1", owner: "o" },
  },
  "workstation:cluster": {
    server: "https://127.0.0.1:6443",
    caData: "AAAA",
    oidc: { issuer: "https://127.0.0.1", clientId: "lab" },
  },
});
