/** Checks that people's clones can fetch the mirror of the infra repository without a login. */

import type { HttpReply } from "../../clients/http/send.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Check, missing, ok, type Target, untried } from "./model.ts";

type Mirror = Pick<StackSettings["devvm"]["repositories"], "infraMirror" | "branch">;
type Reply = Pick<HttpReply, "status" | "text">;

/** How a check names the mirror: without a login that stands in the address. */
export const mirrorTarget = ({ infraMirror }: Pick<Mirror, "infraMirror">): Target => {
  const { protocol, host, pathname } = new URL(infraMirror);
  return { surface: "address", where: `${protocol}//${host}${pathname}`, who: "" };
};

/**
 * Asks for the list of branches, as git does before a clone.
 * @param get sends a request without credentials
 * @throws HttpFailure where no answer comes
 */
export async function mirrorChecks(mirror: Mirror, get: (url: URL) => Promise<Reply>): Promise<readonly Check[]> {
  const target = mirrorTarget(mirror);
  if (!/^https?:/.test(target.where))
    return [untried(target, WHAT, "its address is not one of http or https", "clone it on a host without a login")];
  return [judgeMirror(target, mirror.branch, await get(new URL(`${target.where.replace(/\/+$/, "")}/${REFS}`)))];
}

const WHAT = "mirror";
const REFS = "info/refs?service=git-upload-pack";

function judgeMirror(target: Target, branch: string, { status, text }: Reply): Check {
  if (status >= 300 && status < 400)
    return untried(
      target,
      WHAT,
      `it redirects (status ${status})`,
      "name the address that it leads to in devvm.repositories.infraMirror",
    );
  const expected = `the branch ${branch}, without a login`;
  const isGit = status === 200 && text.slice(4).startsWith("# service=git-upload-pack");
  if (!isGit)
    return missing(target, WHAT, {
      found:
        status === 401 || status === 403
          ? `it requires a login (status ${status})`
          : `no repository (status ${status})`,
      expected,
      remedy: "let everybody read the mirror, or correct devvm.repositories.infraMirror (docs/getting-started.md)",
    });
  const branches = text.split(/[\n\0]/).flatMap((line) => / (refs\/heads\/.*)$/.exec(line)?.[1] ?? []);
  if (branches.includes(`refs/heads/${branch}`)) return ok(target, WHAT, `branch ${branch}, without a login`);
  return missing(target, WHAT, {
    found: branches.length === 0 ? "it is empty" : `it has no branch ${branch}`,
    expected,
    remedy: "synchronize the push mirror of the infra repository on the forge (docs/getting-started.md)",
  });
}
