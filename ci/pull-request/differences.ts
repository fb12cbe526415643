/** Two previews of one program, on the base's data and on the branch's: what the change does, told apart from what was there before. Pure. */

import { z } from "zod";

const state = z.looseObject({ inputs: z.unknown().optional() });
const step = z.looseObject({
  op: z.string(),
  urn: z.string(),
  newState: state.nullish(),
  detailedDiff: z.record(z.string(), z.unknown()).nullish(),
});

/** The part of `pulumi preview --json` that is looked at. */
export const previewForm = z.looseObject({
  steps: z.array(step).nullish(),
  diagnostics: z.array(z.looseObject({ message: z.string().default(""), severity: z.string().default("") })).nullish(),
});
export type Preview = z.output<typeof previewForm>;

/** One resource that a deployment would touch. No value of it is ever shown. */
export interface Touched {
  /** `create`, `update`, `replace` or `delete`. */
  readonly op: string;
  /** The last part of its type: `Namespace`. */
  readonly type: string;
  readonly name: string;
}

export interface Differences {
  /** What merging would do. */
  readonly change: readonly Touched[];
  /** What a deployment of the base branch would do already. */
  readonly before: readonly Touched[];
}

export function differencesBetween(base: Preview, branch: Preview): Differences {
  const known = new Map(stepsOf(base).map((one) => [`${opOf(one)} ${one.urn}`, fingerprint(one)]));
  const all = stepsOf(branch);
  const was = (one: Step) => known.get(`${opOf(one)} ${one.urn}`) === fingerprint(one);
  return {
    change: unique(all.filter((one) => !was(one))),
    before: unique(stepsOf(base).filter((one) => !isOnlySecret(one))),
  };
}

type Step = z.output<typeof step>;

/** A replacement comes as three steps; its place in the list is the one of them. */
const OPS: ReadonlyMap<string, string> = new Map([
  ["create", "create"],
  ["update", "update"],
  ["delete", "delete"],
  ["replace", "replace"],
  ["create-replacement", "replace"],
  ["delete-replaced", "replace"],
]);

const opOf = ({ op }: Step): string => OPS.get(op) ?? "";

const stepsOf = ({ steps }: Preview): readonly Step[] => (steps ?? []).filter((one) => opOf(one) !== "");

const fingerprint = (one: Step): string =>
  JSON.stringify([opOf(one), Object.keys(one.detailedDiff ?? {}).sort(), one.newState?.inputs ?? null]);

/** The state of previews holds no secret, so a difference in secrets alone says nothing. */
function isOnlySecret({ op, detailedDiff, newState }: Step): boolean {
  const paths = Object.keys(detailedDiff ?? {});
  return op === "update" && paths.length > 0 && paths.every((path) => valueAt(newState?.inputs, path) === "[secret]");
}

function valueAt(inputs: unknown, path: string): unknown {
  const names = path.split(/[.[\]]+/).filter((part) => part !== "");
  let value = inputs;
  for (const part of names) {
    if (value === "[secret]") return value;
    value =
      typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
  }
  return value;
}

function unique(steps: readonly Step[]): readonly Touched[] {
  const byKey = new Map<string, Touched>();
  for (const one of steps) {
    const [path = "", name = ""] = one.urn.split("::").slice(2);
    const type = path.split("$").at(-1)?.split(/[:/]/).at(-1) ?? "";
    byKey.set(`${opOf(one)} ${one.urn}`, { op: opOf(one), type, name });
  }
  return [...byKey.values()];
}
