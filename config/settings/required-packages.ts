/** Lists the Debian packages that the program's own code runs on a host and that a minimal Debian 12 or 13 may lack. */

/** Each with its purpose. The agent itself runs by node, which has to be there before it can install anything. */
export const REQUIRED_PACKAGES: Readonly<Record<string, string>> = {
  "ca-certificates": "clones over https",
  git: "clones",
  iproute2: "who listens on the socket of a tmux server",
  "libpam-systemd": "each person's slice and service manager",
  nftables: "the packet filter of people's ports",
  procps: "the processes of an account",
  sudo: "admins' rights, and what the user portal may ask of root",
  tmux: "sessions",
  zsh: "people's shell",
};

/** What the deployment installs on every host: the program's own, and what the site adds; sorted. */
export const packagesOf = ({ packages }: { readonly packages: readonly string[] }): readonly string[] =>
  [...new Set([...Object.keys(REQUIRED_PACKAGES), ...packages])].sort();
