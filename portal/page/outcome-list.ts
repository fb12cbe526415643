/** Renders the outcome of a restore: which sessions were restored, which not, and why. */

import type { RestoreAnswer } from "../../agent/shared/facts/facts-schemas.ts";
import { counted } from "../../agent/shared/facts/format.ts";
import { type Html, html } from "./html.ts";

export function outcomeList(restored: RestoreAnswer["people"][number]): Html {
  if ("failed" in restored)
    return html`<section class="card notice bad"><h2>Your sessions were not brought back</h2><p>${restored.failed}</p></section>`;
  const done = restored.found.filter(({ how }) => how === "conversation" || how === "shell");
  const broken = restored.found.filter(({ how }) => how === "failed");
  const title =
    broken.length > 0
      ? `${counted(broken.length, "session")} could not be brought back`
      : done.length === 0
        ? "Nothing was missing"
        : `${counted(done.length, "session")} brought back`;
  const items = [...broken, ...done].map(
    ({ name, how, why }) =>
      html`<li><span class="name">${name}</span> ${WORDS[how]}${why === undefined ? "" : `: ${why}`}</li>`,
  );
  return html`<section class="card notice ${broken.length > 0 ? "bad" : "good"}"><h2>${title}</h2>
${items.length === 0 ? html`<p>All your recorded sessions are running.</p>` : html`<ul>${items}</ul>`}</section>`;
}

const WORDS: Readonly<Record<"there" | "conversation" | "shell" | "failed", string>> = {
  there: "was running",
  conversation: "with its conversation",
  shell: "with a shell",
  failed: "not brought back",
};
