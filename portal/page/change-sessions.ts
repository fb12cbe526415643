/** Handles the portal's requests that change a user's sessions: brings them back, or has them forgotten. */

import { type Turn, notWhileParked, refusal, wantsJson } from "./handler.ts";
import { type MePage, mePage } from "./me-page.ts";
import type { Reply } from "./reply.ts";
import { choiceIn } from "./session-choice.ts";

/** The page after a change, whose outcome is known even where the look that follows it fails. */
async function pageAfter(
  { args: { host, site }, guest, noteFailed }: Turn,
  done: Pick<MePage, "restored" | "forgot" | "opened">,
): Promise<Reply> {
  const answer = await host.facts(guest.osUser).catch((error: unknown) => {
    noteFailed(error);
    return { who: guest.osUser, failed: "The host did not answer as it should. Load this page again in a minute." };
  });
  return { status: 200, page: mePage({ site, guest, answer, ...done, nowMs: Date.now() }) };
}

/** Whose sessions: those of who has signed in, whatever the request says besides. */
export async function restore(turn: Turn): Promise<Reply> {
  const { args, guest, request, body } = turn;
  const { host, site, lists } = args;
  if (guest.parked) return notWhileParked(site, request);
  const method = choiceIn(request.headers["content-type"] ?? "", body);
  if ("why" in method) return { status: 400, ...refusal(site, request, 400, method.why) };
  const { choice } = method;
  const restored = await host.restore(guest.osUser, choice);
  const summary =
    "failed" in restored ? restored.failed : restored.found.map(({ name, how }) => `${name} ${how}`).join(", ");
  lists.log(
    `${guest.osUser}: restore asked for by ${guest.name}: ${summary === "" ? "nothing to bring back" : summary}`,
  );
  if (wantsJson(request)) return { status: 200, json: restored };
  return pageAfter(turn, { restored, opened: choice?.record });
}

/** As with a restore: those of who has signed in. */
export async function forget(turn: Turn): Promise<Reply> {
  const { args, guest, request, body } = turn;
  const { host, site, lists } = args;
  if (guest.parked) return notWhileParked(site, request);
  const method = choiceIn(request.headers["content-type"] ?? "", body);
  const choice = "why" in method ? undefined : method.choice;
  if (choice?.sessions === undefined) {
    const why = "why" in method ? method.why : "No session was chosen.";
    return { status: 400, ...refusal(site, request, 400, why) };
  }
  const forgot = await host.forget(guest.osUser, choice);
  lists.log(
    `${guest.osUser}: sessions forgotten by ${guest.name}: ${"failed" in forgot ? forgot.failed : forgot.found.forgotten.join(", ")}`,
  );
  if (wantsJson(request)) return { status: 200, json: forgot };
  return pageAfter(turn, { forgot, opened: choice.record });
}
