/** Renders a user's saved records of sessions: what each would bring back, and why the rest stays as it is. */

import type { OwnFacts, RecordedSession, RecordFact } from "../../agent/shared/facts/facts-schemas.ts";
import { ageOf, comesBack, counted, prospectText } from "../../agent/shared/facts/format.ts";
import { brief, boundedItems, moreOf } from "./bounded-list.ts";
import { type Html, html, NOTHING } from "./html.ts";

export interface RecordList {
  readonly records: OwnFacts["records"];
  /** The record that was just acted on stays open. */
  readonly opened?: number | undefined;
  readonly nowMs: number;
}

const MOST_RECORDS = 20;
/** Of all records together, newest first. */
const MOST_SESSIONS = 400;

/** Nothing where every record runs as it was saved. */
export function recordList({ records, opened, nowMs }: RecordList): Html {
  if ("failed" in records) return NOTHING;
  const offered = records.filter(({ sessions }) => sessions.some((s) => comesBack(s) || s.state === "forgotten"));
  if (offered.length === 0) return NOTHING;
  const [newest] = records;
  return html`<section class="card wide records" aria-labelledby="records"><h2 id="records">Saved sessions</h2>
<p class="quiet">Each record is what ran when it was saved. Bringing one back leaves alone what runs now, and no conversation is opened twice.</p>
${withMost(offered.slice(0, MOST_RECORDS)).map(({ record, most }) => one(record, { most, isNewest: record === newest, isOpen: record.number === opened, nowMs }))}
${offered.length > MOST_RECORDS ? html`<p class="quiet">${moreOf(offered.length - MOST_RECORDS, "record", COMMAND)}</p>` : NOTHING}
</section>`;
}

const COMMAND = "ws-me records";

/** How many sessions of each record are shown. */
function withMost(records: readonly RecordFact[]): readonly { readonly record: RecordFact; readonly most: number }[] {
  let remaining = MOST_SESSIONS;
  return records.map((record) => {
    const most = remaining;
    remaining = Math.max(0, remaining - record.sessions.length);
    return { record, most };
  });
}

interface Shown {
  readonly most: number;
  readonly isNewest: boolean;
  readonly isOpen: boolean;
  readonly nowMs: number;
}

function one(record: RecordFact, { most, isNewest, isOpen, nowMs }: Shown): Html {
  const { number, takenAtMs, sessions } = record;
  const back = sessions.filter(comesBack).length;
  const age = html`<time datetime="${new Date(takenAtMs).toISOString()}">${ageOf(nowMs - takenAtMs)} ago</time>`;
  const placed = sessions.map((session, place) => ({ session, place }));
  const offered = placed.filter(({ session }) => comesBack(session));
  const item = (of: Placed) => kept(number, of);
  const others = placed.filter(({ session }) => !comesBack(session));
  const rest = Math.max(0, most - offered.length);
  return html`<details id="record-${number}"${isOpen ? html` open` : NOTHING}>
<summary>${isNewest ? "Newest, " : ""}${age}: ${counted(sessions.length, "session")}, ${back} can be brought back</summary>
${back === 0 ? NOTHING : choices(number, offered, most)}
<ul class="sessions" aria-label="Sessions of record ${number} that stay as they are">
${boundedItems({ all: others, most: rest, item, what: "session", command: COMMAND })}
</ul>
</details>`;
}

interface Placed {
  readonly session: RecordedSession;
  readonly place: number;
}

/** A record that is not shown whole can be brought back as a whole, too. */
function choices(number: number, offered: readonly Placed[], most: number): Html {
  const items = boundedItems({ all: offered, most, item: box, what: "session", command: COMMAND });
  const whole = offered.length > most ? wholeRecord(number, offered.length) : NOTHING;
  if (most === 0) return html`<ul class="sessions">${items}</ul>${whole}`;
  return html`<form method="post" action="/restore" class="record" data-busy="Bringing back the sessions that you chose…">
<input type="hidden" name="record" value="${number}"><input type="hidden" name="choose" value="yes">
<ul class="sessions" aria-label="Sessions of record ${number} that can be brought back">${items}</ul>
<button type="submit">Bring back</button>
<button type="submit" class="calm" formaction="/forget" aria-describedby="forget-${number}">Forget</button>
<p class="quiet" id="forget-${number}">Forgetting deletes nothing: it keeps a session from being offered and restored until you ask for it.</p>
</form>${whole}`;
}

const box = ({ session, place }: Placed): Html =>
  html`<li><label><input type="checkbox" name="session" value="${place}" checked> <span class="name">${brief(session.name)}</span></label> <span class="why">${brief(prospectText(session))}</span></li>`;

const wholeRecord = (number: number, count: number): Html =>
  html`<form method="post" action="/restore" class="record" data-busy="Bringing back the sessions of the record…">
<input type="hidden" name="record" value="${number}">
<button type="submit" class="calm">Bring back all ${count}</button>
</form>`;

const kept = (number: number, { session, place }: Placed): Html =>
  html`<li><span class="name">${brief(session.name)}</span> <span class="badge ${session.state === "running" ? "running" : "off"}">${BADGES[session.state]}</span>${
    session.why === undefined ? NOTHING : html`<p class="why">${brief(session.why)}</p>`
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
