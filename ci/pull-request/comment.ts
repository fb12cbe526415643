/** Implements the step `comment`: writes the preview's report as this program's only comment on the pull request, changed in place. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { requiredVariable } from "../environment.ts";
import { listingSignal, openRepository } from "../forge-repository.ts";
import { clean, log } from "../log.ts";
import { commentText, MARKER } from "./comment-text.ts";
import { reportForm } from "./preview-report.ts";

const comment = z.object({ id: z.int(), body: z.string(), user: z.object({ login: z.string() }).nullish() });

export async function writeComment(): Promise<number> {
  const report = reportForm.parse(JSON.parse(await readFile(requiredVariable("WS_REPORT"), "utf8")));
  const body = clean(commentText(report));
  const { forge, at, full } = openRepository();
  const number = String(requiredVariable("CI_COMMIT_PULL_REQUEST"));
  const signal = listingSignal();
  const me = await forge.ask(
    { method: "GET", path: ["user"], purpose: "see whose token this is" },
    z.object({ login: z.string() }),
    signal,
  );
  const there = await forge.ask(
    { method: "GET", path: at("issues", number, "comments"), purpose: `read the comments of ${full}#${number}` },
    z.array(comment),
    signal,
  );
  // Anybody can write the mark into a comment of theirs; only ours is ours to change.
  const mine = there.find((one) => one.user?.login === me.login && one.body.startsWith(MARKER));
  const purpose = `comment on ${full}#${number}`;
  if (mine === undefined) {
    await forge.ask(
      { method: "POST", path: at("issues", number, "comments"), body: { body }, purpose },
      comment,
      signal,
    );
  } else {
    const path = at("issues", "comments", String(mine.id));
    await forge.ask({ method: "PATCH", path, body: { body }, purpose }, comment, signal);
  }
  log(`${mine === undefined ? "Commented" : "Changed the comment"} on ${full}#${number}.`);
  return 0;
}
