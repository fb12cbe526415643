/**
 * Fetches the remotes of a clone, so that only remote-tracking refs are changed or removed whatever the user's own
 * settings say of tags and branches.
 */

import { Refusal } from "../../lib/errors.ts";
import type { Ran } from "../../lib/exec.ts";
import { describeGitFailure } from "../../lib/git.ts";
import { type GitConfig, readGitConfig } from "../home/git-config.ts";
import { type CloneContext, displayPath } from "../home/step-context.ts";

const FETCH_TIMEOUT_MS = 60_000;

interface Remote {
  readonly name: string;
  /** Those of its refspecs that lead below `refs/remotes`, and those that leave a ref out. */
  readonly refspecs: readonly string[];
}

/**
 * Remote-tracking refs are the remote's, not the person's, so a fetch is a look: it is made before differences are told.
 * Warns of each remote that could not be fetched, and of each ref that was refused.
 */
export async function fetchRemotes(context: CloneContext, clone: string): Promise<void> {
  for (const remote of await readableRemotes(context, clone)) {
    const ran = await fetchRemote(context, clone, remote);
    if (ran.code !== 0) context.warn(`${displayPath(context, clone)}: ${whyNotFetched(remote.name, ran)}`);
  }
}

/** A clone whose configuration git cannot read keeps none of the other clones from being fetched. */
async function readableRemotes(context: CloneContext, clone: string): Promise<readonly Remote[]> {
  try {
    return remotesIn(await readGitConfig(context, clone));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    context.warn(`${displayPath(context, clone)} could not be fetched: ${error.message}`);
    return [];
  }
}

/** One remote by its name, as it is configured now. */
export async function remoteOf(context: CloneContext, clone: string, name: string): Promise<Remote> {
  const remote = remotesIn(await readGitConfig(context, clone)).find((one) => one.name === name);
  return remote ?? { name, refspecs: [`+refs/heads/*:refs/remotes/${name}/*`] };
}

/**
 * The refspecs are given by name and none of the configured ones is used: a refspec or a setting that leads to tags or
 * branches of the person's own would replace them, and remove those that the remote does not have.
 */
export async function fetchRemote(context: CloneContext, clone: string, remote: Remote): Promise<Ran> {
  const ran = await fetchOnce(context, clone, remote);
  // Another fetch has brought the same ref in the same moment: the launcher's, the hourly run's or the person's own.
  const isBeaten = ran.code !== 0 && !ran.timedOut && /^error: cannot lock ref /m.test(ran.stderr);
  return isBeaten ? fetchOnce(context, clone, remote) : ran;
}

function fetchOnce(context: CloneContext, clone: string, { name, refspecs }: Remote): Promise<Ran> {
  const options = ["--prune", "--no-prune-tags", "--refmap=", "--no-recurse-submodules"];
  const quietly = ["--no-progress", "--no-write-fetch-head", "--no-auto-maintenance"];
  return context.git.run(["fetch", ...options, ...quietly, "--", name, ...refspecs], {
    in: clone,
    timeoutMs: FETCH_TIMEOUT_MS,
    remote: true,
  });
}

/** The remotes that have an address, are fetched by default and have anything to track. */
function remotesIn(config: GitConfig): readonly Remote[] {
  const names = config.keys.flatMap((key) => /^remote\.(.+)\.fetch$/s.exec(key)?.[1] ?? []);
  return [...new Set(names)].flatMap((name): readonly Remote[] => {
    if (config.get(`remote.${name}.url`) === undefined) return [];
    const skipped = ["skipfetchall", "skipdefaultupdate"].some((key) => isTrue(config.get(`remote.${name}.${key}`)));
    const refspecs = config.all(`remote.${name}.fetch`).filter(leadsToTrackingRefs);
    const tracks = refspecs.some((refspec) => !refspec.startsWith("^"));
    return skipped || !tracks ? [] : [{ name, refspecs }];
  });
}

const leadsToTrackingRefs = (refspec: string): boolean => /^\^|:refs\/remotes\/./.test(refspec);

const isTrue = (value: string | undefined): boolean => value !== undefined && /^(true|yes|on|[1-9]\d*)$/i.test(value);

/** A ref that was refused leaves the others fetched; every other failure is the remote's. */
function whyNotFetched(name: string, ran: Ran): string {
  const refused = [...ran.stderr.matchAll(/^ ! \[[^\]]+\] +(.+?) +-> (\S+) +\((.+)\)$/gm)];
  const failed = /^(fatal|error):/m.test(ran.stderr) || ran.timedOut || refused.length === 0;
  if (failed) return `the remote ${name} could not be fetched: ${describeGitFailure(ran)}`;
  const sentences = refused.map(([, ref, own, why = ""]) =>
    why === "would clobber existing tag" ? `its tag ${ref} has moved, and yours of that name stays` : `${own}: ${why}`,
  );
  return `of the remote ${name} not every ref was fetched: ${sentences.join("; ")}`;
}
