/** The hook that notes a pane's conversation: real processes in the places of the assistant, and tmux replaced by a note. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const HOOK = new URL("../../../../agent/files/session-start.sh", import.meta.url).pathname;
const ID = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";

/** For a shell, which takes it as it is. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

let folder: string;
const program = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "workstation-hook-"));
  mkdirSync(join(folder, "script"));
  program(
    "tmux",
    `#!/bin/sh\n[ "$2" != display-message ] || exec echo ${process.pid}\n[ "#{==:#{pane_pid},$(cat ${folder}/pane)}" != "$6" ] || echo "$7" > ${folder}/noted\n`,
  );
  // It does what its arguments say, as an assistant that runs a hook or a command does.
  program("claude", '#!/bin/sh\nsh -c "$1"\nexit $?\n');
  // As it is packed for node: a script that starts the program itself.
  program(
    "script/claude",
    `#!/usr/bin/env node\nrequire("node:child_process").spawnSync("${folder}/claude", process.argv.slice(2), { stdio: "inherit" });\n`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, over: NodeJS.ProcessEnv = {}) => {
  const env = {
    PATH: `${folder}:/usr/bin:/bin:${join(process.execPath, "..")}`,
    TMUX: `/s,${process.pid},0`,
    TMUX_PANE: "%7",
    ...over,
  };
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const printed = execFileSync("/bin/sh", ["-c", `echo $$ > ${folder}/pane; ${script}; true`], {
    env,
    encoding: "utf8",
    stdio: [...stdio],
  });
  const path = join(folder, "noted");
  return [printed, existsSync(path) ? readFileSync(path, "utf8").trim() : "nothing"];
};
const hook = `echo '{"hook_event_name": "SessionStart", "session_id": "${ID}"}' | sh ${HOOK}`;
const noted = expect.stringMatching(new RegExp(`^set-option -p -t %7 @workstation_started ${ID}-\\d+$`));

/** The assistant starts a shell for each command, and a shell that has more to do stays between. */
const below = (text: string) => quoted(`${text}; true`);

test.each([
  ["an assistant in the pane's shell", () => `claude ${quoted(hook)}`],
  ["a program of another kernel name", () => `bash -c ${quoted(`exec -a /x/claude bash -c ${below(hook)}`)}`],
  ["a script of node's, with the program that it starts", () => `node ${folder}/script/claude ${quoted(hook)}`],
  ["no assistant that it could find", () => hook],
])("the conversation of %s is noted, and nothing is printed", (_, script) => {
  expect(run(script())).toEqual(["", noted]);
});

test.each([
  ["a command of another one", () => `claude ${below(`claude ${quoted(hook)}`)}`],
  ["a command of a script of node's", () => `node ${folder}/script/claude ${below(`claude ${quoted(hook)}`)}`],
  [
    "a command of one that such a command started",
    () => `claude ${below(`claude ${below(`claude ${quoted(hook)}`)}`)}`,
  ],
])("the conversation of an assistant that was started by %s is not noted", (_, script) => {
  expect(run(script())).toEqual(["", "nothing"]);
});

test("an assistant outside of the pane, whose name it only has in its environment, is not noted", () => {
  expect(run(`sleep 5 & echo $! > ${folder}/pane; claude ${quoted(hook)}; kill $!`)).toEqual(["", "nothing"]);
  expect(run(`rm ${folder}/pane; claude ${quoted(hook)}`)).toEqual(["", "nothing"]);
});

test("an assistant that is the pane's own process is noted", () => {
  // The shell of the pane becomes it.
  expect(run(`exec claude ${quoted(hook)}`)).toEqual(["", noted]);
});

test("an assistant whose environment has lost the name of the server is noted", () => {
  expect(run(`claude ${quoted(hook)}`, { TMUX: "" })).toEqual(["", noted]);
});

test("outside of tmux, and without an id, nothing is noted", () => {
  expect(run(`claude ${quoted(hook)}`, { TMUX_PANE: "" })).toEqual(["", "nothing"]);
  expect(run(`claude ${quoted(`echo '{"session_id": "x"}' | sh ${HOOK}`)}`)).toEqual(["", "nothing"]);
});
