/**
 * Builds the shell lines that check before the first write to a host whether its sudo can be used, install node where there
 * is none, and check that the agent can be run by it.
 */

export interface Programs {
  readonly node: string;
  readonly sudo: string;
  readonly visudo: string;
}

/** The paths that the agent's wrappers, units and sudoers checks name. */
export const INSTALLED: Programs = {
  node: "/usr/bin/node",
  sudo: "/usr/bin/sudo",
  visudo: "/usr/sbin/visudo",
};

/** For an admin of the host. The host's shell prints it as it stands. */
const NODE_REMEDY =
  "on the host, run: apt-get update && apt-get install --yes --no-install-recommends nodejs (Debian 12 has 18, Debian 13 has 20), then deploy again";

/**
 * Installs node where there is none: the agent cannot install what it runs by itself. A host on which node lies at another
 * path has an admin who chose it, so there the check refuses in place of a second node.
 */
const installNode = ({ node }: Programs, apt = "apt-get"): readonly string[] => [
  `if [ ! -e ${node} ] && ! command -v node >/dev/null; then`,
  `install_node() { DEBIAN_FRONTEND=noninteractive ${apt} install --yes --quiet --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120 -- nodejs 2>&1; }`,
  // A new host has no lists of packages, or old ones. One repository that cannot be read may be none of Debian's.
  `said=$(install_node) || { lists=$(${apt} update --quiet -o Acquire::Retries=1 -o APT::Update::Error-Mode=any 2>&1) || :; said=$(install_node) || { echo "nodejs, by which the agent runs, cannot be installed on this host: $(printf '%s\\n' "$lists" "$said" | sed -n 's/^E: //p' | head -n 1 | tr -cd '[:print:]'); ${NODE_REMEDY}" >&2; exit 1; }; }`,
  `echo "host: installed nodejs $(${node} --version 2>&1 | head -n 1), by which the agent runs"`,
  "fi",
];

/**
 * Refusals come before the first write, which is the installation of node.
 *
 * @param apt the program that installs packages
 */
export const preflight = (programs: Programs, apt?: string): readonly string[] => [
  ...checkSudo(programs),
  ...installNode(programs, apt),
  ...checkNode(programs),
];

const SUDO_REMEDY = "install sudo 1.9.10 or newer, sudo-rs does not have them";
const versionOf = (program: string): string => `$(${program} --version 2>&1 | head -n 1)`;

/** A host without sudo passes: the agent checks the one that it installs. sudo and visudo are switched one by one. */
const checkSudo = ({ sudo, visudo }: Programs): readonly string[] => [
  `if [ -x ${sudo} ] && [ -x ${visudo} ]; then case "${versionOf(sudo)}" in *sudo-rs*) case "${versionOf(visudo)}" in *-rs*) ;; *) echo "${sudo} on this host is ${versionOf(sudo)} and cannot be checked by ${visudo} (${versionOf(visudo)}), and regular expressions in sudoers are needed; ${SUDO_REMEDY}" >&2; exit 1 ;; esac ;; esac; fi`,
  // sudo-rs has no regular expressions; sudo has them since 1.9.10.
  `if [ -x ${visudo} ] && ! printf '%s\\n' 'nobody ALL=(root) NOPASSWD: /bin/true ^a$' | ${visudo} --check --quiet --file=- >/dev/null 2>&1; then echo "${visudo} on this host rejects regular expressions in sudoers (${versionOf(visudo)}); ${SUDO_REMEDY}" >&2; exit 1; fi`,
];

/** Root runs it, and so does everybody: one below a home is a person's to replace, or closed to the others. */
const checkNode = ({ node }: Programs): readonly string[] => [
  `[ -x ${node} ] || { echo "${node} is missing on this host (node on the PATH: $(command -v node || echo none)), and the agent runs by it, 18 or newer; ${NODE_REMEDY}" >&2; exit 1; }`,
  `case "$(readlink -f ${node})" in /home/* | /root/*) echo "${node} on this host leads to $(readlink -f ${node}), below somebody's home, and the agent must not run by that; remove the link; ${NODE_REMEDY}" >&2; exit 1 ;; esac`,
  `${node} -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || { echo "${node} on this host is ${versionOf(node)}, and the agent needs 18 or newer; ${NODE_REMEDY}" >&2; exit 1; }`,
];
