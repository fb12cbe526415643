/** Lists the programs that people of a host need and that neither this project nor a package of the deployment brings. */

import type { BasePart } from "../contract.ts";

type Commands = BasePart["commands"];

export interface OutsideProgram {
  /** Absolute, or a name on the path; undefined where `setting` does not name one. */
  readonly path: string | undefined;
  /** What it is for. */
  readonly purpose: string;
  /** What fails without it. */
  readonly without: string;
  /** The setting that names it. */
  readonly setting?: string;
  /** Whether a person may have it in another place, so that its absence is not a fault. */
  readonly isOptional?: true;
}

const OF_COMMANDS: Readonly<Record<keyof Commands, Pick<OutsideProgram, "purpose" | "without">>> = {
  t3: { purpose: "the code server of each person", without: "nobody has a code server" },
  browser: { purpose: "the browser server of each person", without: "nobody has browser automation" },
  credentialSync: {
    purpose: "the sync of the assistant's credentials",
    without: "nobody's assistant gets credentials by itself",
  },
};

const OF_CLUSTER: readonly OutsideProgram[] = [
  {
    path: "kubectl",
    purpose: "people's command line to the cluster",
    without: "people reach no cluster from the host",
  },
  {
    path: "kubectl-oidc_login",
    purpose: "kubelogin, by which people's kubectl signs in",
    without: "people's kubectl cannot sign in",
  },
];

/** People may have it below their home instead, where nobody else looks. */
const ASSISTANT: OutsideProgram = {
  path: "claude",
  purpose: "the assistant, which each new session starts",
  without: "a session of anybody who has none in ~/.local/bin starts a shell in its place",
  isOptional: true,
};

/** @param hasCluster whether people get a kubeconfig */
export function outsidePrograms(commands: Commands, hasCluster: boolean): readonly OutsideProgram[] {
  const named = (Object.keys(OF_COMMANDS) as (keyof Commands)[]).map((name): OutsideProgram => {
    return { ...OF_COMMANDS[name], path: commands[name]?.[0], setting: `devvm.commands.${name}` };
  });
  return [...named, ...(hasCluster ? OF_CLUSTER : []), ASSISTANT];
}

/** Whether root can look for it: systemd replaces `%i` by a person's name, and nobody but they looks below their home. */
export const isInspectable = (path: string): boolean => !path.includes("%") && !path.startsWith("/home/");
