/** Names the paths of the agent's own programs on a host. */

export const NODE = "/usr/bin/node";
export const AGENT = "/usr/lib/workstation/agent.mjs";
/** A person's worker: root's, and readable to everybody whom it runs as. */
export const WORKER = "/usr/lib/workstation/worker.cjs";
export const PROBE = "/usr/lib/workstation/probe.sh";
export const SESSIONS_PROBE = "/usr/lib/workstation/sessions-probe.sh";
export const WRAPPER = "/usr/local/sbin/workstation";
export const ALLOW_FAILPOINTS = "/run/workstation/allow-failpoints";
/** The removal program, which no delivery and no hourly run starts. */
export const REMOVE = "/usr/lib/workstation/remove.mjs";
export const REMOVE_WRAPPER = "/usr/local/sbin/workstation-remove";
