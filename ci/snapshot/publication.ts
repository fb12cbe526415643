/** Records in a published state which deployment it is of: its commit, its time and the user map that it went by. Pure. */

import { z } from "zod";
import { inForm } from "../../cli/stack/deployed-resources.ts";
import { parseJson } from "../../clients/parse-json.ts";
import { FULL_HASH } from "../../roster/deployment-message.ts";
import { StepError } from "../environment.ts";

/** What previews take from the last deployment, beside the state. */
export interface Publication {
  /** Full hash of the deployed commit, whose program previews run. */
  readonly commit: string;
  /** When the deployment ended, as the engine wrote it. */
  readonly time: string;
  /** The cluster's user map as JSON text; undefined where the stack has it in a file of the repository or not at all. */
  readonly userMap?: string | undefined;
}

/** Outputs of the published stack. `.woodpecker/pull-request.yaml` reads the first one. */
const OUTPUTS = { commit: "previewCommit", time: "previewTime", userMap: "previewUserMap" } as const;

const stateForm = z.looseObject({
  deployment: z.looseObject({
    manifest: z.looseObject({ time: z.string() }),
    resources: z
      .array(z.looseObject({ type: z.string(), outputs: z.record(z.string(), z.unknown()).optional() }))
      .default([]),
  }),
});
type StateForm = z.output<typeof stateForm>;

/**
 * @param state a published state: `pulumi stack export`
 * @throws StepError for a commit that is not a full hash, and for a state without a stack
 */
export function withPublication(state: string, { commit, userMap }: Omit<Publication, "time">): string {
  if (!FULL_HASH.test(commit)) throw new StepError(`The deployed commit ${JSON.stringify(commit)} is not a full hash.`);
  const parsed = inForm(stateForm, parseJson(state));
  const record = {
    ...{ [OUTPUTS.commit]: commit, [OUTPUTS.time]: parsed.deployment.manifest.time },
    ...(userMap === undefined ? {} : { [OUTPUTS.userMap]: userMap }),
  };
  return withOutputs(parsed, (outputs) => ({ ...outputs, ...record }));
}

const record = z.object({
  [OUTPUTS.commit]: z.string().regex(FULL_HASH),
  [OUTPUTS.time]: z.iso.datetime({ offset: true }),
  [OUTPUTS.userMap]: z.string().optional(),
});

/**
 * @returns the record, and the state as it was before it was recorded
 * @throws StepError where nothing was published yet, or by a program that recorded less
 */
export function extractPublication(state: string): { readonly publication: Publication; readonly state: string } {
  const parsed = inForm(stateForm, parseJson(state));
  if (parsed.deployment.resources.length === 0)
    throw new StepError("No deployment was published for previews yet: the pipeline of the next push publishes one.");
  const found = record.safeParse(stackOf(parsed).outputs);
  if (!found.success)
    throw new StepError(
      "The published state does not say which deployment it is of: an older program published it. " +
        "The pipeline of the next push publishes it anew.",
    );
  const names: ReadonlySet<string> = new Set(Object.values(OUTPUTS));
  const others = (outputs: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(outputs).filter(([name]) => !names.has(name)));
  return {
    publication: {
      commit: found.data[OUTPUTS.commit],
      time: found.data[OUTPUTS.time],
      userMap: found.data[OUTPUTS.userMap],
    },
    state: withOutputs(parsed, others),
  };
}

type Outputs = Readonly<Record<string, unknown>>;

function withOutputs(state: StateForm, change: (outputs: Outputs) => Outputs): string {
  const stack = stackOf(state);
  const resources = state.deployment.resources.map((resource) =>
    resource === stack ? { ...resource, outputs: change(resource.outputs ?? {}) } : resource,
  );
  return JSON.stringify({ ...state, deployment: { ...state.deployment, resources } });
}

function stackOf({ deployment }: StateForm): StateForm["deployment"]["resources"][number] {
  const stack = deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  if (stack === undefined) throw new StepError("The exported state has no stack: deploy before publishing it.");
  return stack;
}
