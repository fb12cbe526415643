/** Every `pulumi` command that a message tells an operator to run is taken by the real command, as it is printed. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reportText } from "../../cli/import/report.ts";
import { nextSteps } from "../../cli/removal/next-steps.ts";
import { pulumiCommand } from "../../cli/pulumi-command.ts";
import { toolPath } from "../../lab/toolchain/index.ts";
import { files, text } from "../house/sources.ts";

const dir = mkdtempSync(join(tmpdir(), "printed-commands-"));
/** As a folder of an operator's may be called. */
const project = join(dir, "the operator's folder");
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  mkdirSync(project);
  mkdirSync(join(dir, "state"));
  writeFileSync(join(project, "Pulumi.yaml"), "name: workstation\nruntime: nodejs\n");
  env = {
    PATH: `${await toolPath("engine")}:${process.env.PATH}`,
    HOME: dir,
    PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "of this test",
    PULUMI_SKIP_UPDATE_CHECK: "1",
  };
  for (const stack of ["selected", "prod"]) run(`pulumi stack init ${stack} --non-interactive`);
  run("pulumi stack select selected");
});
afterAll(() => rmSync(dir, { recursive: true }));

function run(command: string) {
  const ran = spawnSync("sh", ["-c", command], { cwd: project, env, input: "a value\n", encoding: "utf8" });
  return { code: ran.status, said: `${command}\n${ran.stdout}${ran.stderr}` };
}

/** What changes the configuration is run. What would deploy, or asks the state, is only parsed. */
const tried = (command: string) => run(/^pulumi config /.test(command) ? command : `${command} --help`);

const none = { people: [], guesses: [], open: [], differences: [], keepers: [], strangers: [] };
const nothing = { ...none, adopted: 0, made: 0, held: 0 };
const commandsIn = (lines: string) =>
  lines.split("\n").flatMap((line) => (line.startsWith("  pulumi ") ? [line.trim()] : []));

test("the report of an import prints commands that run one after the other, on the stack that was asked about", () => {
  const place = { stack: "prod", configFile: join(project, "Pulumi.prod.yaml") };
  const report = reportText(
    nothing,
    { folder: join(project, "import"), osUsers: ["ada", "bob"], hasSeed: true },
    place,
  );
  const commands = commandsIn(report);
  expect(report.split("\n").filter((line) => line.includes("pulumi "))).toHaveLength(commands.length);
  expect(commands).toHaveLength(9);
  const settings = () => readFileSync(place.configFile, "utf8");
  for (const command of commands) {
    const { code, said } = tried(command);
    expect(code, said).toBe(0);
    if (command.startsWith("pulumi preview")) {
      expect(settings()).toContain("workstation:ledgerSeed: ");
      expect(settings()).toMatch(/adoptExisting:\n\s+- ada\n\s+- bob\n/);
    }
  }
  expect(settings()).toContain(`workstation:roster: ${join(project, "import/roster.yaml")}`);
  expect(settings()).not.toMatch(/ledgerSeed|workstation:adopt:/);
});

test("what is printed after a removal, and for a rebuilt ledger, is taken as well", () => {
  const settings = { removed: [], cluster: {} } as unknown as Parameters<typeof nextSteps>[0];
  const leaver = { who: "ada", entry: { namespaces: ["books"], formerNamespaces: [] } } as unknown as Parameters<
    typeof nextSteps
  >[1];
  const rebuilt = pulumiCommand({ stack: undefined, configFile: undefined }, "config", "set", "ledgerSeed", "a b.json");
  for (const command of [...commandsIn(nextSteps(settings, leaver).join("\n")), rebuilt]) {
    const { code, said } = tried(command);
    expect(code, said).toBe(0);
  }
});

const withoutComments = (source: string) => source.replaceAll(/^ *(\/\*\*|\*|\/\/).*$/gm, "");

/** Commands in messages stand between backticks, which are escaped in a template. */
const inMessages = files(/^(index\.ts|(roster|stacks|components|cli|ci|agent)\/.*\.ts)$/).flatMap((file) =>
  [
    ...withoutComments(text(file)).matchAll(
      /\\?`(pulumi (?:config|stack|cancel|up|preview|login|state|refresh)\b[^`\\]*)\\?`/g,
    ),
  ].map(([, command = ""]) => [file, command.replaceAll(/\$\{[^}]*\}/g, "x").replaceAll("…", "x")] as const),
);

test("commands are found in the messages of the program", () => {
  expect(inMessages.length).toBeGreaterThan(5);
});

test.each(inMessages)("%s: %s", (_file, command) => {
  const isWhole = /^pulumi config (set|rm) .*\S/.test(command) && !/'?x'?$/.test(command);
  // A setting can only be removed where it is set.
  const [, key] = /^pulumi config rm (\S+)$/.exec(command) ?? [];
  if (key !== undefined) run(`pulumi config set ${key} x`);
  const { code, said } = isWhole ? tried(command) : run(`${command} --help`);
  expect(code, said).toBe(0);
});
