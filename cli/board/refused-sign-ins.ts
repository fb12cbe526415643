/** Looks into the API servers' logs for sign-ins that were refused because nobody vouches for the e-mail of the token. */

import { ClientError } from "../../clients/client-error.ts";
import type { Host, HostAnswer, HostCommand } from "../../clients/ssh/run-command.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { minuteOf } from "../format-time.ts";

/** What the program's rule for the API server says, and what the API server says by itself. */
export const UNVERIFIED = ["the e-mail is not a verified one", "oidc: email not verified"] as const;

/** An older one has been seen to, or nobody has missed it. */
const RECENT_MS = 24 * 3600 * 1000;

/** Only times leave the machine. kubeadm runs the API server as a static pod, whose log the kubelet keeps there. */
const SCRIPT = `for log in /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log; do
  [ ! -r "$log" ] || tail -c 4194304 "$log" | grep -F ${UNVERIFIED.map((words) => `-e '${words}'`).join(" ")} | tail -n 1 | cut -d ' ' -f 1
done`;

/**
 * Asks each control plane whose sign-in the program sets up; no other one can be asked for its log.
 * @returns a sentence for each that refused such a sign-in within a day, or that could not be asked
 */
export async function refusedSignIns(
  { cluster }: Pick<StackSettings, "cluster">,
  run: (key: { readonly sshPrivateKey: string }, host: Host, command: HostCommand) => Promise<HostAnswer>,
  now: Date,
): Promise<readonly string[]> {
  const apiServer = cluster?.apiServer;
  if (apiServer === undefined) return [];
  const found = await Promise.all(
    apiServer.controlPlanes.map(async (host) => {
      try {
        const { stdout } = await run(apiServer, host, { argv: ["/bin/sh", "-s"], stdin: SCRIPT, timeoutMs: 30_000 });
        return refusalIn(stdout, host.name, now);
      } catch (cause) {
        if (!(cause instanceof ClientError)) throw cause;
        return [`refused sign-ins are not looked for in the log of an API server: ${cause.message}`];
      }
    }),
  );
  return found.flat();
}

/** Pure. @param times one a line, each in the form of the kubelet's logs */
export function refusalIn(times: string, name: string, now: Date): readonly string[] {
  const recent = times
    .split("\n")
    .map((line) => Date.parse(line))
    .filter((time) => now.getTime() - time < RECENT_MS);
  if (recent.length === 0) return [];
  const last = minuteOf(new Date(Math.max(...recent)).toISOString());
  return [
    `${name}: the API server refused a sign-in at ${last} UTC, since its token does not say that the e-mail is a verified one; ` +
      'make the scope mapping of docs/authentik.md, "The e-mail must be a verified one", and choose it in the provider',
  ];
}
