/** Lists the Debian packages and the groups that a DevVM has when it is new. Another list is another image, which is built once. */

/** What a DevVM is installed from. */
export interface DebianBase {
  /** Debian 12 or 13. */
  readonly suite: "bookworm" | "trixie";
  /** Beside the minimal base. */
  readonly packages: readonly string[];
  readonly groups: readonly string[];
  /** Whether the lab puts its emulated code server and assistant there, for people to use. */
  readonly hasStubs: boolean;
}

/** Debian 12, whose systemd 252 and node 18 are what the agent has to run on. */
const SUITE = "bookworm";

/**
 * Everything is there: what the agent uses, what people's sessions use, and what the tests look with; and groups that a
 * DevVM of the real world has already, since docker's daemon and the admins' shared tree bring them. `WS_DEBIAN` names
 * another release for a run of the tests.
 */
export const preparedBase = (suite = process.env.WS_DEBIAN): DebianBase => ({
  suite: suite === "trixie" ? suite : SUITE,
  packages: [
    ...["systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd"],
    ...["openssh-server", "sudo", "cron", "at"],
    ...["git", "git-crypt", "tmux", "zsh", "nodejs", "less"],
    ...["nftables", "iproute2", "curl", "ca-certificates"],
    ...["procps", "acl", "attr", "util-linux", "e2fsprogs", "strace"],
  ],
  groups: ["docker", "code-shared"],
  hasStubs: true,
});

/** Boots and answers SSH, and has nothing else; `iproute2` gives the machine its address on the lab's link. */
export const bareBase = (suite: DebianBase["suite"]): DebianBase => ({
  suite,
  packages: ["systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2"],
  groups: [],
  hasStubs: false,
});
