/** Lists the Debian packages and the groups of a DevVM. A change of the list is another image, which is built once. */

/** Debian 12, whose systemd 252 and node 18 are what the agent has to run on. */
export const SUITE = "bookworm";

/** Beside the minimal base; what the agent uses, what people's sessions use, and what the tests look with. */
export const PACKAGES: readonly string[] = [
  ...["systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd"],
  ...["openssh-server", "sudo", "cron", "at"],
  ...["git", "git-crypt", "tmux", "zsh", "nodejs", "less"],
  ...["nftables", "iproute2", "curl", "ca-certificates"],
  ...["procps", "acl", "attr", "util-linux", "e2fsprogs", "strace"],
];

/** Groups that a DevVM of the real world has already: docker's daemon and the admins' shared tree bring them. */
export const GROUPS: readonly string[] = ["docker", "code-shared"];
