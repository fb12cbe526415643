/**
 * Runs the lab's commands: `up [--servers-only]`, `down [--purge]`, `status [--json]`, `build`, `env`. `WS_LAB` names
 * the lab, `lab` by default.
 */
import { down } from "./down.ts";
import { LabError } from "./lab-error.ts";
import { deployRoster, commandsToTry } from "./pulumi/deploy.ts";
import { log } from "./log.ts";
import { shellEnv } from "./shell-env.ts";
import { describe, status } from "./status.ts";
import { openToolchain, LAB_TOOLS } from "./toolchain/index.ts";
import { up } from "./up.ts";

const COMMANDS: Readonly<
  Record<string, { flags: readonly string[]; run: (flags: ReadonlySet<string>) => Promise<void> }>
> = {
  up: { flags: ["--servers-only"], run: (flags) => bringUp(!flags.has("--servers-only")) },
  down: { flags: ["--purge"], run: (flags) => down({ purge: flags.has("--purge") }) },
  status: { flags: ["--json"], run: showStatus },
  build: { flags: [], run: build },
  env: { flags: [], run: async () => void process.stdout.write(`${await shellEnv()}\n`) },
};

async function bringUp(withPeople: boolean): Promise<void> {
  const instance = await up();
  if (!withPeople) return;
  await deployRoster(instance);
  log(await commandsToTry(instance));
}

async function showStatus(flags: ReadonlySet<string>): Promise<void> {
  const found = await status();
  process.stdout.write(`${flags.has("--json") ? JSON.stringify(found) : describe(found)}\n`);
}

async function build(): Promise<void> {
  const tools = openToolchain();
  for (const tool of LAB_TOOLS) {
    const { dir, origin } = await tools.get(tool);
    log(`${tool}: ${origin === "official" ? "the vendor's" : "ready"}, in ${dir}`);
  }
}

/** Exit code: 0 done, 1 something did not work, 2 called wrongly. */
async function main([name = "", ...flags]: readonly string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command === undefined || flags.some((flag) => !command.flags.includes(flag))) {
    log("Usage: lab/main.ts up [--servers-only] | down [--purge] | status [--json] | build | env");
    return 2;
  }
  try {
    await command.run(new Set(flags));
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
