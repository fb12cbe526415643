/** Runs a pipeline's file as the pipeline's server does: its steps' commands in a shell, with the step's variables and secrets alone. */

import { spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";

const secret = z.strictObject({ from_secret: z.string() });

const pipelineForm = z.looseObject({
  steps: z.array(
    z.looseObject({
      name: z.string(),
      environment: z.record(z.string(), z.union([z.string(), secret])).default({}),
      commands: z.array(z.string()),
      when: z.array(z.looseObject({ status: z.array(z.string()).optional() })).default([]),
    }),
  ),
});
export type PipelineFile = z.output<typeof pipelineForm>;

export const readPipeline = (text: string): PipelineFile => pipelineForm.parse(parse(text, { merge: true }));

export interface StepRan {
  readonly name: string;
  readonly code: number | null;
  /** Both outputs, as the server's log shows them. */
  readonly log: string;
}

export interface Circumstances {
  /** `CI_…`, as the server sets them. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** What the step's image would bring along: PATH and the engine's home. */
  readonly image: Readonly<Record<string, string>>;
  /** The folder that all steps run in: the same for each run, as in a container, and empty when a run begins. */
  readonly workspace: string;
  readonly onLog?: (step: string, log: string) => void;
  /** Steps that are left out. */
  readonly without?: readonly string[];
}

/** @returns every step that ran, in order; a failed one ends the run but for steps that want a failure */
export async function runPipeline(text: string, how: Circumstances): Promise<readonly StepRan[]> {
  await rm(how.workspace, { recursive: true, force: true });
  await mkdir(how.workspace);
  const ran: StepRan[] = [];
  const steps = readPipeline(text).steps.filter(({ name }) => !how.without?.includes(name));
  for (const { name, environment, commands, when } of steps) {
    const failed = ran.some(({ code }) => code !== 0);
    if (failed && !when.some(({ status }) => status?.includes("failure"))) continue;
    const own = Object.entries(environment).map(([key, value]) => {
      const given = typeof value === "string" ? value : how.secrets[value.from_secret];
      if (given === undefined) throw new Error(`${name}: the server has no secret for ${key}`);
      return [key, given] as const;
    });
    const env = { ...how.image, ...how.variables, ...Object.fromEntries(own) };
    ran.push({ name, ...(await shell(commands, how.workspace, env, (log) => how.onLog?.(name, log))) });
  }
  return ran;
}

function shell(commands: readonly string[], cwd: string, env: Record<string, string>, onLog: (log: string) => void) {
  return new Promise<{ code: number | null; log: string }>((resolve, reject) => {
    const child = spawn("sh", ["-e"], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (part: string) => {
        log += part;
        onLog(log);
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, log }));
    child.stdin.end(`${commands.join("\n")}\n`);
  });
}
