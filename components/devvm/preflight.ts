/**
 * Builds the shell lines that install node on a host that has none, and check before the agent's first write that the host
 * has the programs whose paths and syntax the agent relies on.
 */

export interface Programs {
  readonly node: string;
  readonly visudo: string;
}

/** The paths that the agent's wrappers, units and sudoers checks name. */
export const INSTALLED: Programs = { node: "/usr/bin/node", visudo: "/usr/sbin/visudo" };

/** For an admin of the host. The host's shell prints it as it stands. */
const NODE_REMEDY =
  "on the host, run: apt-get update && apt-get install --yes --no-install-recommends nodejs (Debian 12 has 18, Debian 13 has 20), then deploy again";

/**
 * The agent cannot install what it runs by itself. A host on which node lies at another path has an admin who chose it, so
 * there the check refuses in place of a second node.
 *
 * @param apt the program that installs packages
 */
export const installNode = ({ node }: Programs, apt = "apt-get"): readonly string[] => [
  `if [ ! -e ${node} ] && ! command -v node >/dev/null; then`,
  `install_node() { DEBIAN_FRONTEND=noninteractive ${apt} install --yes --quiet --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120 -- nodejs 2>&1; }`,
  // A new host has no lists of packages, or old ones. One repository that cannot be read may be none of Debian's.
  `said=$(install_node) || { lists=$(${apt} update --quiet -o Acquire::Retries=1 -o APT::Update::Error-Mode=any 2>&1) || :; said=$(install_node) || { echo "nodejs, by which the agent runs, cannot be installed on this host: $(printf '%s\\n' "$lists" "$said" | sed -n 's/^E: //p' | head -n 1 | tr -cd '[:print:]'); ${NODE_REMEDY}" >&2; exit 1; }; }`,
  `echo "host: installed nodejs $(${node} --version 2>&1 | head -n 1), by which the agent runs"`,
  "fi",
];

/** A host without sudo passes: there is nothing on it yet that could reject a rule. */
export const preflight = ({ node, visudo }: Programs): readonly string[] => [
  `[ -x ${node} ] || { echo "${node} is missing on this host (node on the PATH: $(command -v node || echo none)), and the agent runs by it, 18 or newer; ${NODE_REMEDY}" >&2; exit 1; }`,
  `${node} -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "${node} on this host is $(${node} --version 2>&1 | head -n 1), and the agent needs 18 or newer; ${NODE_REMEDY}" >&2; exit 1; }`,
  // sudo-rs has no regular expressions; sudo has them since 1.9.10.
  `if [ -x ${visudo} ] && ! printf '%s\\n' 'nobody ALL=(root) NOPASSWD: /bin/true ^a$' | ${visudo} --check --quiet --file=- >/dev/null 2>&1; then echo "${visudo} on this host rejects regular expressions in sudoers ($(${visudo} --version 2>&1 | head -n 1)); install sudo 1.9.10 or newer, sudo-rs does not have them" >&2; exit 1; fi`,
];
