/** Renders a user's clones, each with its state and the reason why it was not updated. */

import type { CloneFact } from "../../agent/shared/facts/facts-schemas.ts";
import { boundedItems, brief } from "./bounded-list.ts";
import { type Html, html } from "./html.ts";

const MOST_SHOWN = 100;

export const cloneList = (clones: readonly CloneFact[]): Html =>
  clones.length === 0
    ? html`<p class="quiet">None that are kept up to date for you.</p>`
    : html`<ul class="clones">${boundedItems({ all: clones, most: MOST_SHOWN, item: one, what: "clone", command: "ws-me" })}</ul>`;

const one = ({ path, state, why }: CloneFact): Html =>
  html`<li><span class="name">${brief(path)}</span> <span class="badge ${BADGES[state].look}">${BADGES[state].word}</span>${
    why === undefined ? html`` : html`<p class="why">${brief(why)}</p>`
  }</li>`;

const BADGES: Readonly<Record<CloneFact["state"], { readonly look: string; readonly word: string }>> = {
  fresh: { look: "running", word: "up to date" },
  behind: { look: "missing", word: "will be updated" },
  kept: { look: "missing", word: "not updated" },
  missing: { look: "missing", word: "not there yet" },
};
