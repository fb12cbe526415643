/** Implements `command:remote:Command`: a command for each of creation, update and deletion, run on a host. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Differences } from "../../../providers/runtime/differences.ts";
import { compare, pathText } from "../../../providers/runtime/differences.ts";
import type { Call, Resource } from "../../../providers/runtime/provider.ts";
import { hasSecret, revealMap, Secret, UNKNOWN } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap, PropertyValue } from "../../../providers/runtime/property-values.ts";
import { checkWith } from "./check.ts";
import { connection } from "./connection.ts";
import { runRemote } from "./run.ts";

const commandInputs = z.strictObject({
  connection,
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  stdin: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  addPreviousOutputInEnv: z.boolean().default(true),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).default("stdoutAndStderr"),
  triggers: z.array(z.unknown()).optional(),
});

type CommandInputs = z.output<typeof commandInputs>;

/** The resource. It has no `read`: what a command did can only be asked by another command. */
export const command: Resource = {
  check: async ({ inputs }) => checkWith(commandInputs, inputs),
  diff: async ({ state, oldInputs, inputs }) =>
    differences(Object.keys(oldInputs).length > 0 ? oldInputs : state, inputs),
  create: async ({ inputs, preview }, call) => {
    if (preview) return { id: "", state: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN } };
    const { create } = parsed(inputs);
    const id = `${call.name}${randomBytes(4).toString("hex")}`;
    return { id, state: await outputs(create, inputs, NOTHING_BEFORE, call) };
  },
  update: async ({ state, inputs, preview }, call) => {
    if (preview) return { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN };
    const { update, create } = parsed(inputs);
    return outputs(update ?? create, inputs, revealMap(state), call);
  },
  delete: async ({ state }, call) => {
    const { stdout: _stdout, stderr: _stderr, ...inputs } = state;
    await outputs(parsed(inputs).delete, inputs, revealMap(state), call);
  },
};

/** What differs between two sets of inputs; a changed trigger replaces, everything else updates. */
export function differences(before: PropertyMap, inputs: PropertyMap): Differences {
  const { stdout: _stdout, stderr: _stderr, ...old } = before;
  return {
    changes: compare(old, inputs).map(({ path, kind }) => ({
      ...{ path: pathText(path), kind, inputDiff: true },
      replaces: path[0] === "triggers",
    })),
  };
}

async function outputs(
  text: string | undefined,
  inputs: PropertyMap,
  before: PropertyMap,
  call: Call,
): Promise<PropertyMap> {
  const want = parsed(inputs);
  if (text === undefined) return { ...inputs, stdout: before.stdout ?? "", stderr: before.stderr ?? "" };
  if (want.environment !== undefined) {
    call.log.warning("environment: this emulated plugin cannot tell whether the host's AcceptEnv takes the variables");
  }
  const { stdout, stderr } = await runRemote(
    want.connection,
    { text, stdin: want.stdin ?? "", environment: environmentOf(want, before), logging: want.logging },
    call,
  );
  // What was handed in secretly may come back in the output, so the output is kept as secret as the input.
  const keep = (value: PropertyValue): PropertyValue =>
    ["stdin", "environment", "create", "update"].some((name) => hasSecret(inputs[name])) ? new Secret(value) : value;
  return { ...inputs, stdout: keep(stdout), stderr: keep(stderr) };
}

function environmentOf(want: CommandInputs, before: PropertyMap): Readonly<Record<string, string>> {
  const previous = want.addPreviousOutputInEnv
    ? { PULUMI_COMMAND_STDOUT: before.stdout, PULUMI_COMMAND_STDERR: before.stderr }
    : {};
  const set = Object.entries(previous).filter((e): e is [string, string] => typeof e[1] === "string" && e[1] !== "");
  return { ...want.environment, ...Object.fromEntries(set) };
}

const parsed = (inputs: PropertyMap): CommandInputs => commandInputs.parse(revealMap(inputs));

const NOTHING_BEFORE: PropertyMap = { stdout: "", stderr: "" };
