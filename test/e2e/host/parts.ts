/** Parts as the program delivers them, small and complete, for the people of one test. */
import {
  type AccountPart,
  type BasePart,
  type ClonesPart,
  CONTRACT,
  type CredentialsPart,
  type IngressSecretPart,
  type MapsPart,
  type UnitsPart,
} from "../../../agent/contract.ts";

export interface Somebody {
  readonly osUser: string;
  readonly uid: number;
  readonly layout?: ClonesPart["layout"];
  readonly repos?: ClonesPart["repos"];
  readonly groups?: readonly string[];
  readonly state?: "present" | "parked" | "left";
  readonly infra?: Partial<ClonesPart["infra"]>;
  readonly claudeAuth?: boolean;
  readonly gainsPrivileges?: true;
  readonly adopt?: boolean;
  readonly formerNames?: readonly string[];
  readonly until?: string;
}

export const REMOTE = "http://127.0.0.1:8080/open";
export const TIER_GROUPS = ["code-shared", "docker", "sudo"];
const HOST = "host";

export const portsOf = ({ uid }: Somebody) => ({ t3: 3773 + (uid % 1000), browser: 8931 + (uid % 1000) });
const formerNamesOf = ({ formerNames }: Somebody) =>
  formerNames === undefined ? {} : { formerNames: [...formerNames] };
const cutState = (of: Somebody) => (of.state === "left" ? "left" : "present");

export const base = (over: Partial<BasePart> = {}): BasePart => ({
  contract: CONTRACT,
  kind: "base",
  host: HOST,
  packages: ["git", "tmux", "zsh"],
  guidance: "Be kind to each other.\n",
  managedSettings: "{}",
  sharedConfig: "/srv/shared",
  commands: { t3: ["/usr/local/bin/t3-stub"], browser: ["/usr/bin/sleep", "infinity"], credentialSync: ["/bin/true"] },
  reconcile: { maxStateAgeHours: 24, removalLimit: 1 },
  ...over,
});

/** @param names one for each accepted secret, the one of now first */
export const ingressSecret = (...names: readonly string[]): IngressSecretPart => ({
  contract: CONTRACT,
  kind: "ingress-secret",
  host: HOST,
  accepted: names.map((name) => `secret-${name}-of-the-ingress-0123456789abcdef`),
});

export const maps = (people: readonly Somebody[], over: Partial<MapsPart> = {}): MapsPart => {
  const present = people.filter((p) => p.state !== "left");
  const atWork = present.filter((p) => p.state !== "parked");
  return {
    contract: CONTRACT,
    kind: "maps",
    host: HOST,
    files: [
      { path: "/etc/ttyd-user-map", text: atWork.map((p) => `${p.osUser}@x=${p.osUser}\n`).join("") },
      { path: "/etc/ttyd-admins", text: "" },
      { path: "/etc/t3-serve/dispatch.json", text: "{}\n" },
    ],
    ports: people.map((p) => ({ osUser: p.osUser, uid: p.uid, ...portsOf(p) })),
    proxyUsers: ["www-data"],
    present: present.map((p) => p.osUser),
    left: people.filter((p) => p.state === "left").map((p) => p.osUser),
    renamed: people.flatMap(({ osUser, formerNames = [] }) =>
      formerNames.length === 0 ? [] : [{ osUser, formerNames: [...formerNames] }],
    ),
    admins: [],
    removalLimit: 1,
    confirmLeave: [],
    addsOnly: false,
    ...over,
  };
};

export const account = (of: Somebody): AccountPart => ({
  contract: CONTRACT,
  kind: "account",
  osUser: of.osUser,
  uid: of.uid,
  state: cutState(of),
  ...(of.until === undefined ? {} : { until: of.until }),
  ...formerNamesOf(of),
  shell: "/bin/zsh",
  groups: [...(of.groups ?? [])],
  tierGroups: TIER_GROUPS,
  adopt: of.adopt ?? false,
});

export const clones = (of: Somebody): ClonesPart => ({
  contract: CONTRACT,
  kind: "clones",
  osUser: of.osUser,
  uid: of.uid,
  state: cutState(of),
  ...formerNamesOf(of),
  layout: of.layout ?? "single",
  infra: { origin: `${REMOTE}/infra`, forgejo: `${REMOTE}/infra-push`, branch: "master", ...of.infra },
  repos: [...(of.repos ?? [])],
  git: { name: of.osUser, email: `${of.osUser}@example.org` },
  kubeconfig: {
    cluster: "lab",
    server: "https://10.0.0.1:6443",
    caData: "QUJD",
    issuer: "https://sso.example.org/",
    clientId: "kubernetes",
  },
  guidance: "Be kind to each other.\n",
});

export const units = (of: Somebody): UnitsPart => ({
  contract: CONTRACT,
  kind: "units",
  osUser: of.osUser,
  uid: of.uid,
  state: of.state ?? "present",
  ports: portsOf(of),
  claudeAuth: of.claudeAuth ?? true,
  ...(of.gainsPrivileges === undefined ? {} : { gainsPrivileges: of.gainsPrivileges }),
  limits: { memory: "4G", cpu: "200%", tasks: "512", paneMemory: "2G" },
});

export const credentials = (of: Somebody): CredentialsPart => ({
  contract: CONTRACT,
  kind: "credentials",
  osUser: of.osUser,
  uid: of.uid,
  forge: "http://127.0.0.1:8080",
  login: `${of.osUser}-login`,
  token: `token-of-${of.osUser}`,
});
