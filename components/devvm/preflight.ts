/** Builds the shell lines that check, before the first write, that a host has the programs whose paths and syntax the agent relies on. */

export interface Programs {
  readonly node: string;
  readonly visudo: string;
}

/** The paths that the agent's wrappers, units and sudoers checks name. */
export const INSTALLED: Programs = { node: "/usr/bin/node", visudo: "/usr/sbin/visudo" };

/** A host without sudo passes: there is nothing on it yet that could reject a rule. */
export const preflight = ({ node, visudo }: Programs): readonly string[] => [
  `[ -x ${node} ] || { echo "${node} is missing on this host (node on the PATH: $(command -v node || echo none)); install the package nodejs, 18 or newer, or link it there" >&2; exit 1; }`,
  `${node} -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "${node} on this host is $(${node} --version 2>&1 | head -n 1), which the agent does not run on; install the package nodejs, 18 or newer" >&2; exit 1; }`,
  // sudo-rs has no regular expressions; sudo has them since 1.9.10.
  `if [ -x ${visudo} ] && ! printf '%s\\n' 'nobody ALL=(root) NOPASSWD: /bin/true ^a$' | ${visudo} --check --quiet --file=- >/dev/null 2>&1; then echo "${visudo} on this host rejects regular expressions in sudoers ($(${visudo} --version 2>&1 | head -n 1)); install sudo 1.9.10 or newer, sudo-rs does not have them" >&2; exit 1; fi`,
];
