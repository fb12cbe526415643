/** Translates what apt printed when it failed into a sentence: the cause as an operator knows it, and the remedy. Pure. */

import { clean } from "../../lib/log.ts";

/** What apt printed, on both of its outputs. */
export interface AptOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

type Explain = (match: readonly (string | undefined)[]) => string;

/** The first that fits is the cause; apt prints what follows from it behind it. */
const CAUSES: readonly (readonly [RegExp, Explain])[] = [
  [
    /(?:Could not get lock|Unable to lock|Unable to acquire the dpkg frontend lock)[^\n]*?(?:held by process (\d+) \(([^)]+)\))?\s*(?:\n|$)/,
    ([, pid, name]) =>
      `${pid === undefined ? "another program" : `${name} (process ${pid})`} is installing packages; wait until it has ended, then deploy again`,
  ],
  [
    /dpkg was interrupted/,
    () => "an earlier installation was interrupted; on the host, run: dpkg --configure -a, then deploy again",
  ],
  [
    /(?:enough free space in (\S+)|No space left on device)/,
    ([, folder]) =>
      `there is not enough free space${folder === undefined ? "" : ` in ${folder}`}; on the host, run: apt-get clean, and look at: df -h`,
  ],
  [
    /(?:Temporary failure resolving|Could not resolve) '([^']+)'/,
    ([, server]) =>
      `the name of the package server ${server} cannot be resolved; check /etc/resolv.conf on the host, or the server's name in /etc/apt/sources.list`,
  ],
  [
    /(?:Could not connect to|Unable to connect to|Cannot initiate the connection to|Connection failed \[IP:) ?([^\s:]+)/,
    ([, server]) =>
      `the package server ${server} does not answer; let the host reach it through the firewall, or set Acquire::http::Proxy in /etc/apt/apt.conf.d`,
  ],
  [
    /Release file for (\S+) is (?:not valid yet|expired)/,
    ([, file]) => `the clock of the host and ${file} do not agree; set the host's clock: timedatectl`,
  ],
  [
    /(?:NO_PUBKEY|is not signed|couldn't be verified|could not be verified)/,
    () => "a package repository is not signed by a key that the host knows; add its key below /etc/apt/keyrings",
  ],
  [
    /remove is disabled/,
    () => "other packages would have to be removed for them, which the program never does; install them by hand",
  ],
  [
    /(?:unmet dependencies|held broken packages|pkgProblemResolver)/i,
    () => "packages on the host are held or broken; on the host, run: apt-get --fix-broken install",
  ],
  [
    /(?:404 +Not Found|does not have a Release file)/,
    () => "the package server no longer has them; check the release in /etc/apt/sources.list on the host",
  ],
];

/** @returns cause and remedy, with a semicolon between */
export function aptFailure({ stdout, stderr, timedOut }: AptOutput): string {
  const text = `${stderr}\n${stdout}`;
  for (const [pattern, explain] of CAUSES) {
    const match = pattern.exec(text);
    if (match !== null) return clean(explain(match));
  }
  const errors = text.split("\n").flatMap((line) => /^E: (.+)/.exec(line)?.[1] ?? []);
  const said = errors[0] ?? (timedOut ? "apt-get did not end in time" : "apt-get ended without a reason");
  return `${clean(said).slice(0, MOST_SHOWN)}; on the host, run: apt-get update, then apt-get install by hand`;
}

const MOST_SHOWN = 300;

/** The names of which apt has no package, of the wanted ones. */
export function unknownPackages(text: string, wanted: readonly string[]): readonly string[] {
  const named = [
    ...text.matchAll(/Unable to locate package (\S+)/g),
    ...text.matchAll(/Package '?([^' ]+)'? has no installation candidate/g),
    ...text.matchAll(/Couldn't find any package by (?:glob|regex) '([^']+)'/g),
  ].map(([, name]) => name);
  return wanted.filter((name) => named.includes(name));
}

/** Name to version of every package that a simulated run would install. */
export function plannedVersions(simulated: string): ReadonlyMap<string, string> {
  const found = simulated.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)/gm);
  return new Map([...found].map(([, name = "", version = ""]) => [name, version]));
}
