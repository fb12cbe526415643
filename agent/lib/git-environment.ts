/** Builds the whole environment of every git command, so that nothing is inherited and no unexpected protocol is used. */

import type { ClonesPart } from "../contract.ts";

/** All that git finds in its environment. @param urls plain `http` and `git` are allowed only where one of them asks for it. */
export function gitEnvironment(home: string, user: string, urls: readonly string[]): Readonly<Record<string, string>> {
  const protocols = ["http", "git"].filter((protocol) => urls.some((url) => url.startsWith(`${protocol}://`)));
  return {
    // Filters and credential helpers that an admin installed by hand (git-lfs often is) are found, after the packages' own.
    PATH: "/usr/bin:/bin:/usr/local/bin",
    HOME: home,
    USER: user,
    LOGNAME: user,
    LANG: "C.UTF-8",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    SSH_ASKPASS: "/bin/false",
    GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oConnectTimeout=10",
    GIT_ALLOW_PROTOCOL: ["https", "ssh", ...protocols].join(":"),
    GIT_OPTIONAL_LOCKS: "0",
  };
}

/** The addresses that a part delivers. */
export const urlsOf = ({ infra, repos }: Pick<ClonesPart, "infra" | "repos">): readonly string[] => [
  infra.origin,
  infra.forgejo,
  ...repos.map(({ url }) => url),
];

/** What the launcher's git finds: the session's own tools and keys, and whatever protocol its person has chosen. */
export const ownGitEnvironment = (
  home: string,
  user: string,
  session: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => {
  const { PATH, SSH_AUTH_SOCK } = session;
  return {
    ...gitEnvironment(home, user, []),
    GIT_ALLOW_PROTOCOL: "https:ssh:http:git:file",
    ...(PATH === undefined ? {} : { PATH }),
    ...(SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK }),
  };
};
