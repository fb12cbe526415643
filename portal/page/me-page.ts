/** Renders a user's own page: sessions and the restore button, code server, clones, memory and limits. */

import { NOT_OFFERED, type Report } from "../../agent/shared/facts/facts-schemas.ts";
import {
  bytesOf,
  clonesWithNotes,
  counted,
  restorableOf,
  savedText,
  sizeOf,
  formatSize,
} from "../../agent/shared/facts/format.ts";
import { boundedItems, brief, isBrief } from "./bounded-list.ts";
import { cloneList } from "./clone-list.ts";
import { ago, frame, type Site } from "./page-layout.ts";
import type { Answer, Forgot, Restored } from "./root-requests.ts";
import { type Html, html, NOTHING } from "./html.ts";
import { forgottenList, outcomeList } from "./outcome-list.ts";
import { recordList } from "./record-list.ts";
import type { Visitor } from "./authorize-visitor.ts";

/** Entries of each list of sessions and of sentences. */
const MOST_SHOWN = 100;

export interface MePage {
  readonly site: Site;
  readonly guest: Visitor;
  readonly answer: Answer;
  /** What a button has just done. */
  readonly restored?: Restored;
  readonly forgot?: Forgot;
  /** The record that it was about. */
  readonly opened?: number | undefined;
  readonly nowMs: number;
}

export function mePage(args: MePage): Html {
  const { site, guest, answer } = args;
  const facts = "failed" in answer ? unknown(answer.failed) : known(args, answer.found);
  const done = justDone(args);
  const main = html`<h1>Your workstation</h1>
<p class="lead"><strong>${guest.osUser}</strong> on ${site.host}</p>
${guest.parked ? PARKED : NOTHING}
<div id="answer" role="status"${done === undefined ? NOTHING : JUST_DONE}>${done ?? NOTHING}</div>
<div id="facts" class="cards">
${facts}
</div>`;
  return frame({ site, title: "Your workstation", guest, here: "/", main });
}

function justDone({ restored, forgot, answer }: MePage): Html | undefined {
  if (restored !== undefined)
    return outcomeList(restored, "failed" in answer ? undefined : answer.found.known.sessions);
  return forgot === undefined ? undefined : forgottenList(forgot);
}

/** Without a script, this is where somebody who hears or tabs through the page goes on after the button. */
const JUST_DONE = html` tabindex="-1" autofocus`;

const PARKED = html`<section class="card notice" aria-labelledby="parked"><h2 id="parked">Parked</h2>
<p>Your account and all your files are here, and nothing of yours runs. Ask an admin to unpark it.</p></section>`;

const unknown = (why: string): Html =>
  html`<section class="card notice bad" aria-labelledby="unknown"><h2 id="unknown">Nothing can be told at the moment</h2><p>${why}</p></section>`;

function known(args: MePage, report: Report): Html {
  const sections = [
    sessions(args, report),
    records(args, report),
    codeServer(args, report),
    clones(args, report),
    limits(report),
  ];
  const { failures } = report.known;
  return html`${failures.length === 0 ? NOTHING : failed(failures)}${sections}`;
}

const failed = (failures: Report["known"]["failures"]): Html =>
  html`<section class="card notice bad wide" aria-labelledby="failures"><h2 id="failures">Not all of it could be set up</h2>
<ul>${boundedItems({ all: failures, most: MOST_SHOWN, item: ({ part, why }) => html`<li>${part}: ${why}</li>`, what: "failure", command: "ws-me" })}</ul></section>`;

function sessions({ guest, nowMs }: MePage, { known: { sessions: saved }, now }: Report): Html {
  const running = "failed" in now || "failed" in now.sessions ? [] : now.sessions.running;
  const missing = restorableOf(now);
  const why = "failed" in now ? now.failed : "failed" in now.sessions ? now.sessions.failed : undefined;
  const item = (name: Html, state: string, word: string) =>
    html`<li>${name} <span class="badge ${state}">${word}</span></li>`;
  const bounds = { most: MOST_SHOWN, what: "session", command: "ws-me" } as const;
  const list = [
    ...boundedItems({ ...bounds, all: missing, item: (name) => item(plainName(name), "missing", "can be restored") }),
    ...boundedItems({
      ...bounds,
      all: running,
      item: (name) => item(guest.parked ? plainName(name) : terminalLink(name), "running", "running"),
    }),
  ];
  return html`<section class="card wide" aria-labelledby="sessions"><h2 id="sessions">Sessions</h2>
<p class="sum">${
    why === undefined
      ? `${running.length} running, ${missing.length} can be restored`
      : `Your sessions cannot be looked at: ${why}`
  }</p>
${list.length === 0 ? NOTHING : html`<ul class="sessions" aria-label="Your sessions">${list}</ul>`}
<p class="quiet">${savedText(saved, why === undefined ? running.length : undefined, nowMs)}</p>
${guest.parked ? NOTHING : html`${button(missing.length)}${NEW_SESSION}`}
</section>`;
}

const records = ({ guest, opened, nowMs }: MePage, { now }: Report): Html =>
  guest.parked || "failed" in now ? NOTHING : recordList({ records: now.records, opened, nowMs });

const plainName = (name: string): Html => html`<span class="name">${brief(name)}</span>`;

/** A name that is cut leads nowhere. */
const terminalLink = (name: string): Html =>
  isBrief(name)
    ? html`<a class="name" href="/terminal?session=${encodeURIComponent(name)}">${name}</a>`
    : plainName(name);

const NEW_SESSION = html`<form method="post" action="/terminal/new" id="new-session">
<label for="new-name">Name of a new session</label>
<input id="new-name" name="name" maxlength="32" pattern="[A-Za-z0-9][A-Za-z0-9_-]*" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="work-1" title="Letters, digits, - and _">
<button type="submit" class="calm">Start it</button>
</form>`;

const button = (missing: number): Html => html`<form method="post" action="/restore" id="restore">
<button type="submit" aria-describedby="restore-hint"${missing === 0 ? html` class="calm"` : NOTHING}>Restore sessions</button>
<p class="quiet" id="restore-hint">${
  missing === 0
    ? "No saved session is missing. If one ends unasked, this brings it back."
    : `Brings back ${counted(missing, "session")}, with the conversation where it is still there. What runs is left alone.`
}</p>
</form>`;

function codeServer({ site, guest }: MePage, { known: { ports }, services }: Report): Html {
  const link =
    site.codeServer === undefined || guest.parked
      ? NOTHING
      : html`<p><a class="go" href="${site.codeServer}">Open my code server</a></p>`;
  const row = (name: string, port: number | undefined, state: string) =>
    html`<div><dt>${name}</dt><dd>${port === undefined ? NOTHING : html`port <strong>${port}</strong> `}<span class="badge ${state === "active" ? "running" : "off"}">${state === "active" ? "running" : state}</span></dd></div>`;
  const offered = (name: string, port: number | undefined, state: string) =>
    state === NOT_OFFERED ? [] : [row(name, port, state)];
  const rows = [
    ...offered("Code server", ports?.t3, services.t3),
    ...offered("Browser", ports?.browser, services.browser),
  ];
  const body =
    rows.length === 0 ? html`<p>This host has neither a code server nor a browser.</p>` : html`<dl>${rows}</dl>`;
  return card("ports", "Code server and ports", html`${link}${body}`);
}

function clones({ nowMs }: MePage, { known: { notes }, now }: Report): Html {
  if ("failed" in now) return card("clones", "Clones", html`<p>They cannot be looked at: ${now.failed}</p>`);
  const annotated = clonesWithNotes(now.clones, notes?.says ?? []);
  const others = html`<ul class="notes">${boundedItems({ all: annotated.others, most: MOST_SHOWN, item: (sentence) => html`<li>${brief(sentence)}</li>`, what: "note", command: "ws-me" })}</ul>`;
  const asOf = html`<p class="quiet">The last run that had something to say of them was ${ago(notes?.atMs, nowMs)}.</p>`;
  return card(
    "clones",
    "Clones",
    html`${cloneList(annotated.clones)}${annotated.others.length === 0 ? NOTHING : others}${notes === undefined ? NOTHING : asOf}`,
  );
}

const card = (id: string, title: string, content: Html): Html =>
  html`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}
</section>`;

function limits({ known: { limits: of }, now }: Report): Html {
  const used = "failed" in now ? undefined : now.memoryBytes;
  const most = of === undefined ? undefined : sizeOf(of.memory);
  const gauge =
    used === undefined || most === undefined
      ? NOTHING
      : html`<meter aria-label="Memory in use" min="0" max="${most}" high="${Math.round(most * 0.85)}" optimum="0" value="${Math.min(used, most)}">${bytesOf(used)} of ${bytesOf(most)}</meter>`;
  const row = (name: string, value: string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  const rows =
    of === undefined
      ? []
      : [row("Processor", of.cpu), row("Tasks", of.tasks), row("Each tmux pane", formatSize(of.paneMemory))];
  const sum = `${used === undefined ? "Memory cannot be told" : bytesOf(used)}${of === undefined ? "" : ` of ${formatSize(of.memory)}`}`;
  return card("limits", "Memory and limits", html`<p class="sum">${sum}</p>${gauge}<dl>${rows}</dl>`);
}
