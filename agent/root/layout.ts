/** Where the agent itself lives on a host. */

export const NODE = "/usr/bin/node";
export const AGENT = "/usr/lib/workstation/agent.mjs";
export const WRAPPER = "/usr/local/sbin/workstation";
export const ALLOW_FAILPOINTS = "/run/workstation/allow-failpoints";
