/**
 * Runs the lab's commands: `up`, `down`, `status`, `build`, `env`, `ssh`, `login`, `kubectl`. `WS_LAB` names the lab,
 * `lab` by default.
 */
import { availableParallelism } from "node:os";
import { down } from "./down.ts";
import { LabError } from "./lab-error.ts";
import { deployRoster, commandsToTry } from "./pulumi/deploy.ts";
import { log } from "./log.ts";
import { askedKind } from "./plugins/kind.ts";
import { shellEnv } from "./shell-env.ts";
import { describe, status } from "./status.ts";
import { openSsh, openLogin, openKubectl } from "./sessions.ts";
import { missingTools, openToolchain, STANDARD_TOOLS, toolsFor } from "./toolchain/index.ts";
import { buildMinutes } from "./up-plan.ts";
import { up } from "./up.ts";

/** A command with flags of its own, or one whose words all go to another program, which decides on the exit code. */
type LabCommand =
  | { readonly flags: readonly string[]; readonly run: (flags: ReadonlySet<string>) => Promise<void> }
  | { readonly attach: (words: readonly string[]) => Promise<number> };

const COMMANDS: Readonly<Record<string, LabCommand>> = {
  up: { flags: ["--servers-only"], run: (flags) => bringUp(!flags.has("--servers-only")) },
  down: { flags: ["--purge"], run: (flags) => down({ purge: flags.has("--purge") }) },
  status: { flags: ["--json"], run: showStatus },
  build: { flags: [], run: build },
  env: { flags: [], run: async () => void process.stdout.write(`${await shellEnv()}\n`) },
  ssh: { attach: openSsh },
  login: { attach: ([who]) => openLogin(who) },
  kubectl: { attach: openKubectl },
};

async function bringUp(withPeople: boolean): Promise<void> {
  const instance = await up({ withPeople });
  if (!withPeople) return;
  await deployRoster(instance);
  log(await commandsToTry(instance));
}

async function showStatus(flags: ReadonlySet<string>): Promise<void> {
  const found = await status();
  process.stdout.write(`${flags.has("--json") ? JSON.stringify(found) : describe(found)}\n`);
}

async function build(): Promise<void> {
  const wanted = toolsFor(askedKind(), STANDARD_TOOLS);
  const missing = await missingTools(wanted);
  if (missing.length > 0)
    log(`To be built once: ${missing.join(", ")} (about ${buildMinutes(missing, availableParallelism())} min)`);
  const tools = openToolchain(wanted);
  for (const tool of wanted) {
    const { dir, origin } = await tools.get(tool);
    log(`${tool}: ${origin === "official" ? "the vendor's" : "ready"}, in ${dir}`);
  }
}

const USAGE =
  "Usage: lab/main.ts up [--servers-only] | down [--purge] | status [--json] | build | env | " +
  "ssh [COMMAND…] | login USER | kubectl ARGUMENT…";

/** Exit code: 0 done, 1 something did not work, 2 called wrongly. */
async function main([name = "", ...words]: readonly string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command === undefined || ("flags" in command && words.some((word) => !command.flags.includes(word)))) {
    log(USAGE);
    return 2;
  }
  try {
    if ("attach" in command) return await command.attach(words);
    await command.run(new Set(words));
    return 0;
  } catch (error) {
    log(
      error instanceof LabError
        ? error.message
        : `This is a mistake in the lab itself:\n${String((error as Error).stack)}`,
    );
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
