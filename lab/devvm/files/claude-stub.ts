/**
 * Emulates the assistant `claude` on the lab's DevVM: leaves behind the files that a session of it leaves, and no more.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

type Source = "startup" | "resume" | "clear";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const home = homedir();
const cwd = process.cwd();
// Before the title: setting it wipes the arguments, here as with the real one.
const asked = readArguments();
process.title = "claude";
let id = asked.resume ?? asked["session-id"] ?? randomUUID();
begin(asked.resume === undefined ? "startup" : "resume");

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit(0));
lines.on("line", (line) => {
  if (line.trim() === "/exit") return lines.close();
  if (line.trim() === "/clear") {
    id = randomUUID();
    return begin("clear");
  }
  record({ type: "user", message: { role: "user", content: line } });
  record({ type: "assistant", message: { role: "assistant", content: `heard: ${line}` } });
  process.stdout.write(`heard: ${line}\n`);
});

function readArguments() {
  const options = {
    "session-id": { type: "string" },
    "fork-session": { type: "boolean" },
    name: { type: "string" },
    resume: { type: "string" },
  } as const;
  const { values } = parseArgs({ options, allowPositionals: true });
  const { resume, "session-id": fresh } = values;
  if (fresh !== undefined && resume !== undefined && values["fork-session"] !== true)
    refuse("--session-id can only be used with --resume if --fork-session is also specified");
  for (const uuid of [fresh, resume]) if (uuid !== undefined && !UUID.test(uuid)) refuse(`not a valid UUID: ${uuid}`);
  if (fresh !== undefined && existsSync(transcriptOf(fresh))) refuse(`session ID ${fresh} is already in use`);
  if (resume !== undefined && !existsSync(transcriptOf(resume)))
    refuse(`no conversation found with session ID: ${resume}`);
  return values;
}

function refuse(why: string): never {
  process.stderr.write(`Error: ${why}\n`);
  process.exit(1);
}

function begin(source: Source): void {
  mkdirSync(join(transcriptOf(id), ".."), { recursive: true, mode: 0o700 });
  record({ type: "system", subtype: source });
  for (const command of startHooks(source)) {
    const told = { session_id: id, transcript_path: transcriptOf(id), cwd, hook_event_name: "SessionStart", source };
    spawnSync("/bin/sh", ["-c", command], { input: JSON.stringify(told), stdio: ["pipe", "ignore", "inherit"] });
  }
  process.stdout.write(`session ${id} (${source})\n`);
}

/** The file is not kept open, so a look at the process's open files tells nothing. */
function record(entry: object): void {
  const whole = { sessionId: id, cwd, uuid: randomUUID(), timestamp: new Date().toISOString(), ...entry };
  appendFileSync(transcriptOf(id), `${JSON.stringify(whole)}\n`, { mode: 0o600 });
}

function transcriptOf(uuid: string): string {
  return join(home, ".claude", "projects", projectOf(cwd), `${uuid}.jsonl`);
}

/** Lossy on purpose: two directories can share one folder. */
function projectOf(directory: string): string {
  const plain = directory.replace(/[^A-Za-z0-9]/g, "-");
  if (plain.length <= 200) return plain;
  return `${plain.slice(0, 200)}-${createHash("sha256").update(directory).digest("hex").slice(0, 6)}`;
}

/** The commands that the machine's and the person's settings want run at the start of a session. */
function startHooks(source: Source): string[] {
  return ["/etc/claude-code/managed-settings.json", join(home, ".claude", "settings.json")].flatMap((path) => {
    const groups = existsSync(path) ? settingsAt(path).hooks?.SessionStart : [];
    return (groups ?? [])
      .filter(({ matcher }) => !matcher || matcher === "*" || matcher.split("|").includes(source))
      .flatMap(({ hooks }) => hooks.map(({ command }) => command));
  });
}

interface Settings {
  readonly hooks?: {
    readonly SessionStart?: readonly { readonly matcher?: string; readonly hooks: readonly { command: string }[] }[];
  };
}

function settingsAt(path: string): Settings {
  return JSON.parse(readFileSync(path, "utf8")) as Settings;
}
