/** Renders the outcome of a restore, which sessions were restored, which not, and why; and of sessions being forgotten. */

import type { ForgetAnswer, HostFacts, RestoreAnswer } from "../../agent/shared/facts/facts-schemas.ts";
import { counted } from "../../agent/shared/facts/format.ts";
import { boundedItems, brief } from "./bounded-list.ts";
import { type Html, html } from "./html.ts";

const OF_SESSIONS = { most: 100, what: "session", command: "ws-me records" } as const;

/** @param saved when the user's sessions were recorded; undefined where that cannot be told */
export function outcomeList(restored: RestoreAnswer["people"][number], saved?: HostFacts["sessions"]): Html {
  if ("failed" in restored)
    return html`<section class="card notice bad"><h2>The restore failed</h2><p>${restored.failed}</p></section>`;
  if (restored.found.length === 0) return NONE_TO_RESTORE[stateOf(saved)];
  const done = restored.found.filter(({ how }) => how === "conversation" || how === "shell");
  const broken = restored.found.filter(({ how }) => how === "failed");
  const elsewhere = restored.found.filter(({ how, why }) => how === "there" && why !== undefined);
  const title =
    broken.length > 0
      ? `${counted(broken.length, "session")} could not be brought back`
      : done.length === 0
        ? elsewhere.length > 0
          ? "Nothing was brought back"
          : "Nothing was missing"
        : `${counted(done.length, "session")} brought back`;
  const items = boundedItems({
    all: [...broken, ...done, ...elsewhere],
    item: ({ name, how, why }) =>
      html`<li><span class="name">${brief(name)}</span> ${WORDS[how]}${why === undefined ? "" : `: ${brief(why)}`}</li>`,
    ...OF_SESSIONS,
  });
  return html`<section class="card notice ${broken.length > 0 ? "bad" : "good"}"><h2>${title}</h2>
${items.length === 0 ? html`<p>All of these sessions are running.</p>` : html`<ul>${items}</ul>`}</section>`;
}

/** A record that exists has at least one session, unless they were forgotten. */
const stateOf = (saved: HostFacts["sessions"] | undefined): keyof typeof NONE_TO_RESTORE =>
  saved === undefined ? "unknown" : saved.recordedAtMs === undefined ? "unsaved" : "forgotten";

const nothing = (title: string, why: string): Html =>
  html`<section class="card notice good"><h2>${title}</h2><p>${why}</p></section>`;

/** Why a restore found no session at all. */
const NONE_TO_RESTORE = {
  unsaved: nothing("Nothing has been saved yet", "There is no record to bring back: a save runs every five minutes."),
  forgotten: nothing(
    "Nothing was brought back",
    "Every session of this record was forgotten, so none of them comes back until you ask for it.",
  ),
  unknown: nothing("Nothing was brought back", "No session could be: none was saved, or all of them are forgotten."),
} as const;

const WORDS: Readonly<Record<"there" | "conversation" | "shell" | "failed", string>> = {
  there: "left alone",
  conversation: "with its conversation",
  shell: "with a shell",
  failed: "not brought back",
};

export function forgottenList(forgot: ForgetAnswer["people"][number]): Html {
  if ("failed" in forgot)
    return html`<section class="card notice bad"><h2>Nothing was forgotten</h2><p>${forgot.failed}</p></section>`;
  const { forgotten, running } = forgot.found;
  const item = (sentence: string) => (name: string) =>
    html`<li><span class="name">${brief(name)}</span> ${sentence}</li>`;
  const items = [
    ...boundedItems({ all: running, item: item("runs, so it was not forgotten"), ...OF_SESSIONS }),
    ...boundedItems({ all: forgotten, item: item("is not brought back until you ask for it"), ...OF_SESSIONS }),
  ];
  return html`<section class="card notice ${running.length > 0 ? "bad" : "good"}"><h2>${counted(forgotten.length, "session")} forgotten</h2>
<ul>${items}</ul></section>`;
}
