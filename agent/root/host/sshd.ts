/** Sets how many connections of a deployment sshd accepts at once, and finds settings of others by which it refuses them. */

import { type Step, says } from "../../lib/converge.ts";
import { describeFailure } from "../../lib/exec.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { reloadOnChange } from "../services/reload-on-change.ts";
import { SSHD } from "./base-files.ts";

const DROP_INS = "/etc/ssh/sshd_config.d";
const PROGRAM = "/usr/sbin/sshd";

/** A deployment opens many connections at once, and sshd drops more than ten that have not logged in yet. */
export function sshd(m: Machine): Step {
  if (m.sys.look(DROP_INS) === undefined) return { name: "sshd", differences: () => [] };
  const loadSays = says("reload", "sshd's configuration");
  const load = async () => {
    await runOrThrow(m.sys, [PROGRAM, "-t"], { reads: true });
    await runOrThrow(m.sys, ["/usr/bin/systemctl", "try-reload-or-restart", "ssh.service"]);
  };
  const points = { filePoint: "base-file", loadPoint: "base-sshd-reload" } as const;
  return reloadOnChange(m, { name: "sshd", key: "sshd", files: [SSHD], ...points, loadSays, load });
}

/** Whose connection is asked about, since a `Match` block may ask for each of these. */
const CONNECTION = "user=root,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22";

/** As in the installed file. */
const LEAST_STARTUPS = 100;

/**
 * What sshd reads of all its files counts: the first value of a setting wins, and a configuration without `Include` reads no
 * drop-in at all. One that sshd does not accept shows only when sshd starts anew, and then nobody gets in.
 */
export async function sshdFaults(m: Machine): Promise<readonly string[]> {
  if (m.sys.look(SSHD.path) === undefined) return [];
  const checked = await m.sys.run([PROGRAM, "-t"], { reads: true });
  // Where systemd starts sshd for each connection, the folder is there while one is. Without sshd there is nothing to say.
  const isSilent = checked.code === undefined || /^Missing privilege separation directory/m.test(checked.stderr);
  if (checked.code !== 0)
    return isSilent
      ? []
      : [`sshd does not accept its configuration, so nobody gets in once it starts anew: ${describeFailure(checked)}`];
  const ran = await m.sys.run([PROGRAM, "-T", "-C", CONNECTION], { reads: true });
  if (ran.code !== 0) return [`sshd does not tell its settings: ${describeFailure(ran)}`];
  const value = (name: string) => new RegExp(`^${name} (\\S+)$`, "m").exec(ran.stdout)?.[1];
  const startups = value("maxstartups");
  const isFew = startups !== undefined && Number.parseInt(startups, 10) < LEAST_STARTUPS;
  return [
    ...(isFew
      ? [
          `sshd has MaxStartups ${startups}, expected ${LEAST_STARTUPS} or more, or it drops connections of a deployment; another ` +
            `file sets it before ${SSHD.path}, or no Include reads that. To find it, run: grep -ri maxstartups /etc/ssh`,
        ]
      : []),
    // Without PAM sshd itself takes a password that is locked for an account that is.
    ...(value("usepam") === "no"
      ? ["sshd has UsePAM no, so it lets in nobody whose password is locked, which is everybody; set UsePAM yes"]
      : []),
  ];
}
