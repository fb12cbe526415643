/** Compares two previews of one program, on the base's data and on the branch's, and separates the change's effects from older ones. Pure. */

import { z } from "zod";
import { REVERTED_FROM } from "../../clients/kubernetes/additions.ts";

const state = z.looseObject({ inputs: z.unknown().optional() });
const step = z.looseObject({
  op: z.string(),
  urn: z.string(),
  oldState: state.nullish(),
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
  const fingerprints = new Map(stepsOf(base).map((one) => [`${opOf(one)} ${one.urn}`, fingerprint(one)]));
  const all = stepsOf(branch);
  const was = (one: Step) => fingerprints.get(`${opOf(one)} ${one.urn}`) === fingerprint(one);
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

/** Without the version that an object was found in: it is another one in each preview. */
const fingerprint = (one: Step): string =>
  JSON.stringify(
    [opOf(one), Object.keys(one.detailedDiff ?? {}).sort(), one.newState?.inputs ?? null],
    (key, value: unknown) => (key === REVERTED_FROM ? "" : value),
  );

/**
 * The state of previews holds no secret, so a difference in secrets alone says nothing: then both sides look alike, since the
 * engine shows each secret by the same word.
 */
function isOnlySecret({ oldState, newState }: Step): boolean {
  const [was, is] = [oldState, newState].map((one) => JSON.stringify(one?.inputs));
  return was !== undefined && was === is && was.includes('"[secret]"');
}

const marked = z.looseObject({
  metadata: z
    .looseObject({ annotations: z.looseObject({ [REVERTED_FROM]: z.string().optional() }).optional() })
    .optional(),
});

/** Objects from which a deployment takes back what was added by hand: the program sees it, and the plugin does not. */
export const reverted = (previewed: Preview): readonly Touched[] =>
  unique(
    stepsOf(previewed).filter((one) => {
      const [was, is] = [one.oldState, one.newState].map((held) => markOf(held?.inputs));
      return opOf(one) === "update" && is !== undefined && is !== was;
    }),
  );

function markOf(inputs: unknown): string | undefined {
  const parsed = marked.safeParse(inputs);
  return parsed.success ? parsed.data.metadata?.annotations?.[REVERTED_FROM] : undefined;
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
