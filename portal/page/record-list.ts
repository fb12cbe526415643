/** Renders a user's saved records of sessions: what each would bring back, and why the rest stays as it is. */

import type { OwnFacts, RecordedSession, RecordFact } from "../../agent/shared/facts/facts-schemas.ts";
import { ageOf, comesBack, counted, prospectText } from "../../agent/shared/facts/format.ts";
import { type Html, html, NOTHING } from "./html.ts";

export interface RecordList {
  readonly records: OwnFacts["records"];
  /** The record that was just acted on stays open. */
  readonly opened?: number | undefined;
  readonly nowMs: number;
}

/** Nothing where every record runs as it was saved. */
export function recordList({ records, opened, nowMs }: RecordList): Html {
  if ("failed" in records) return NOTHING;
  const offered = records.filter(({ sessions }) => sessions.some((s) => comesBack(s) || s.state === "forgotten"));
  if (offered.length === 0) return NOTHING;
  const [newest] = records;
  return html`<section class="card wide records" aria-labelledby="records"><h2 id="records">Saved sessions</h2>
<p class="quiet">Each record is what ran when it was saved. Bringing one back leaves alone what runs now, and no conversation is opened twice.</p>
${offered.map((record) => one(record, { isNewest: record === newest, isOpen: record.number === opened, nowMs }))}
</section>`;
}

interface Shown {
  readonly isNewest: boolean;
  readonly isOpen: boolean;
  readonly nowMs: number;
}

function one(record: RecordFact, { isNewest, isOpen, nowMs }: Shown): Html {
  const { number, takenAtMs, sessions } = record;
  const back = sessions.filter(comesBack).length;
  const age = html`<time datetime="${new Date(takenAtMs).toISOString()}">${ageOf(nowMs - takenAtMs)} ago</time>`;
  const placed = sessions.map((session, place) => ({ session, place }));
  return html`<details id="record-${number}"${isOpen ? html` open` : NOTHING}>
<summary>${isNewest ? "Newest, " : ""}${age}: ${counted(sessions.length, "session")}, ${back} can be brought back</summary>
${back === 0 ? NOTHING : choices(record)}
<ul class="sessions" aria-label="Sessions of record ${number} that stay as they are">
${placed.filter(({ session }) => !comesBack(session)).map(({ session, place }) => kept(number, session, place))}
</ul>
</details>`;
}

function choices({ number, sessions }: RecordFact): Html {
  const boxes = sessions.map((session, place) =>
    comesBack(session)
      ? html`<li><label><input type="checkbox" name="session" value="${place}" checked> <span class="name">${session.name}</span></label> <span class="why">${prospectText(session)}</span></li>`
      : NOTHING,
  );
  return html`<form method="post" action="/restore" class="record" data-busy="Bringing back the sessions that you chose…">
<input type="hidden" name="record" value="${number}"><input type="hidden" name="choose" value="yes">
<ul class="sessions" aria-label="Sessions of record ${number} that can be brought back">${boxes}</ul>
<button type="submit">Bring back</button>
<button type="submit" class="calm" formaction="/forget" aria-describedby="forget-${number}">Forget</button>
<p class="quiet" id="forget-${number}">Forgetting deletes nothing: it keeps a session from being offered and restored until you ask for it.</p>
</form>`;
}

const kept = (number: number, session: RecordedSession, place: number): Html =>
  html`<li><span class="name">${session.name}</span> <span class="badge ${session.state === "running" ? "running" : "off"}">${BADGES[session.state]}</span>${
    session.why === undefined ? NOTHING : html`<p class="why">${session.why}</p>`
  }${session.state === "forgotten" ? afterAll(number, place) : NOTHING}</li>`;

const afterAll = (number: number, place: number): Html =>
  html`<form method="post" action="/restore" class="record" data-busy="Bringing back the session…">
<input type="hidden" name="record" value="${number}"><input type="hidden" name="choose" value="yes"><input type="hidden" name="session" value="${place}">
<button type="submit" class="calm">Bring it back after all</button>
</form>`;

const BADGES: Readonly<Record<RecordedSession["state"], string>> = {
  conversation: "can be restored",
  shell: "can be restored",
  running: "running",
  "open elsewhere": "open elsewhere",
  "name in use": "name in use",
  forgotten: "forgotten",
};
