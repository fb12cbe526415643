/** Renders the board for admins: every user of this host, those who need something first. */

import { NOT_OFFERED, type Report } from "../../agent/shared/facts/facts-schemas.ts";
import { bytesOf, clonesWithNotes, counted, restorableOf, formatSize } from "../../agent/shared/facts/format.ts";
import { boundedItems, brief } from "./bounded-list.ts";
import { cloneList } from "./clone-list.ts";
import { ago, frame, type Site } from "./page-layout.ts";
import type { Answer } from "./root-requests.ts";
import { type Html, html, NOTHING } from "./html.ts";
import type { Visitor } from "./authorize-visitor.ts";

/** Problems of one person. */
const MOST_SHOWN = 20;

export interface PeoplePage {
  readonly site: Site;
  readonly guest: Visitor;
  readonly people: readonly Answer[];
  readonly nowMs: number;
}

export function peoplePage({ site, guest, people, nowMs }: PeoplePage): Html {
  const rows = people
    .map((one) => ({ one, problems: troubles(one) }))
    .sort((a, b) => b.problems.length - a.problems.length || (a.one.who < b.one.who ? -1 : 1));
  const troubled = rows.filter(({ problems }) => problems.length > 0).length;
  const main = html`<h1>Everybody</h1>
<p class="lead">${counted(rows.length, "person").replace("persons", "people")} on ${site.host}, ${troubled === 0 ? "no problems" : `${troubled} with problems`}</p>
<div class="card table"><table>
<caption class="hidden">People of this host</caption>
<thead><tr><th scope="col">Person</th><th scope="col">Problems</th><th scope="col">Sessions</th><th scope="col">Saved</th><th scope="col">Code server</th><th scope="col">Memory</th><th scope="col">Clones</th></tr></thead>
<tbody>
${rows.map(({ one, problems }) => row(one, problems, nowMs))}
</tbody></table></div>`;
  return frame({ site, title: "Everybody", guest, here: "/people", main });
}

function row(one: Answer, problems: readonly string[], nowMs: number): Html {
  const head = html`<th scope="row">${one.who}</th><td data-label="Problems">${
    problems.length === 0
      ? html`<span class="quiet">–</span>`
      : html`<ul class="notes">${boundedItems({ all: problems, most: MOST_SHOWN, item: (text) => html`<li>${brief(text)}</li>`, what: "problem", command: "ws-me" })}</ul>`
  }</td>`;
  if ("failed" in one) return html`<tr>${head}<td colspan="5"></td></tr>`;
  const { known, services, now } = one.found;
  const missing = restorableOf(now);
  const running = "failed" in now || "failed" in now.sessions ? [] : now.sessions.running;
  return html`<tr>${head}
<td data-label="Sessions">${running.length} running${missing.length === 0 ? NOTHING : html`, <span class="badge missing">${missing.length} missing</span>`}</td>
<td data-label="Saved">${ago(known.sessions.seenAtMs, nowMs)}</td>
<td data-label="Code server">${codeServer(known.ports?.t3, services.t3)}</td>
<td data-label="Memory">${"failed" in now ? "–" : bytesOf(now.memoryBytes)}${known.limits === undefined ? "" : ` of ${formatSize(known.limits.memory)}`}</td>
<td data-label="Clones">${"failed" in now ? html`–` : details(clonesWithNotes(now.clones, known.notes?.says ?? []).clones)}</td></tr>`;
}

const codeServer = (port: number | undefined, state: string): Html =>
  state === NOT_OFFERED
    ? html`–`
    : html`${port ?? "–"} <span class="badge ${state === "active" ? "running" : "off"}">${state === "active" ? "running" : state}</span>`;

function details(clones: Parameters<typeof cloneList>[0]): Html {
  if (clones.length === 0) return html`<span class="quiet">–</span>`;
  const kept = clones.filter(({ state }) => state !== "fresh").length;
  return html`<details><summary>${clones.length}${kept === 0 ? ", all up to date" : `, ${kept} not up to date`}</summary>${cloneList(clones)}</details>`;
}

/** What an admin would want to see first. */
function troubles(one: Answer): readonly string[] {
  if ("failed" in one) return [one.failed];
  const { known, services, now } = one.found;
  const isDead = ![NOT_OFFERED, "active"].includes(services.t3) && known.state === "present";
  const dead = isDead ? ["the code server does not run"] : [];
  return [
    ...(known.state === "parked" ? ["parked"] : []),
    ...known.failures.map(({ part, why }) => `${part}: ${why}`),
    ...lost(now),
    ...dead,
    ...clones(known, now),
  ];
}

function clones(known: Report["known"], now: Report["now"]): readonly string[] {
  const annotated = clonesWithNotes("failed" in now ? [] : now.clones, known.notes?.says ?? []);
  const kept = annotated.clones.flatMap(({ path, why }) => (why === undefined ? [] : [`${path}: ${why}`]));
  return [...kept, ...annotated.others];
}

function lost(now: Report["now"]): readonly string[] {
  if ("failed" in now) return [now.failed];
  if ("failed" in now.sessions) return [`sessions: ${now.sessions.failed}`];
  const missing = restorableOf(now);
  return missing.length === 0 ? [] : [`${counted(missing.length, "session")} could be restored`];
}
