/** Builds the whole environment of every git command, so that nothing is inherited and no unexpected protocol is used. */

import type { ClonesPart } from "../contract.ts";

/** All that git finds in its environment. @param urls plain `http` and `git` are allowed only where one of them asks for it. */
export function gitEnvironment(home: string, user: string, urls: readonly string[]): Readonly<Record<string, string>> {
  const asked = ["http", "git"].filter((protocol) => urls.some((url) => url.startsWith(`${protocol}://`)));
  return {
    PATH: "/usr/bin:/bin",
    HOME: home,
    USER: user,
    LOGNAME: user,
    LANG: "C.UTF-8",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    SSH_ASKPASS: "/bin/false",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=10",
    GIT_ALLOW_PROTOCOL: ["https", "ssh", ...asked].join(":"),
    GIT_OPTIONAL_LOCKS: "0",
  };
}

/** The addresses that a part delivers. */
export const urlsOf = ({ infra, repos }: Pick<ClonesPart, "infra" | "repos">): readonly string[] => [
  infra.origin,
  infra.forgejo,
  ...repos.map(({ url }) => url),
];
