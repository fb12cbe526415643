/** Parses a pipeline file as far as the runner carries it out; a field that it does not know is an error, never ignored. */

import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { StepError } from "../environment.ts";

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const condition = z.strictObject({
  event: z.enum(["push", "tag", "cron", "manual", "pull_request"]),
  branch: z.string().optional(),
  cron: z.string().optional(),
  ref: z
    .string()
    .regex(/^[A-Za-z0-9/._-]+\*?$/, "must be a ref, with a star at its end at most")
    .optional(),
});

const step = z.strictObject({
  name: z.string().min(1),
  /** The container that another runner would use; here the host's own programs stand in its place. */
  image: z.string(),
  environment: z.record(z.string(), z.union([text, z.strictObject({ from_secret: z.string() })])).default({}),
  commands: z.array(z.string()).min(1),
  when: z.array(z.strictObject({ status: z.array(z.enum(["success", "failure"])) })).default([]),
});

const form = z.strictObject({
  when: z.array(condition).min(1),
  skip_clone: z.literal(true, "must be true: the steps clone by themselves"),
  concurrency: z.unknown().optional(),
  variables: z.unknown().optional(),
  steps: z.array(step).min(1),
});

export type PipelineFile = z.output<typeof form>;
export type Step = PipelineFile["steps"][number];

/** Why a pipeline runs. */
export interface Occasion {
  readonly event: z.output<typeof condition>["event"];
  readonly branch?: string;
  readonly cron?: string;
  readonly ref?: string;
}

/** @throws StepError that names the file and the field */
export function readPipeline(file: string, content: string): PipelineFile {
  const parsed = form.safeParse(yamlOf(file, content));
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "the whole"}: ${message}`);
  throw new StepError([`${file} is not a pipeline that this runner carries out:`, ...wrong].join("\n"));
}

function yamlOf(file: string, content: string): unknown {
  try {
    return parse(content, { merge: true });
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw new StepError(`${file} is not YAML: ${cause.message.split("\n")[0]}`, { cause });
  }
}

/** Whether the file says that its pipeline is for this occasion. */
export function isFor(pipeline: PipelineFile, occasion: Occasion): boolean {
  const { event, branch, cron, ref } = occasion;
  return pipeline.when.some(
    (wanted) =>
      wanted.event === event &&
      (wanted.branch === undefined || wanted.branch === branch) &&
      (wanted.cron === undefined || wanted.cron === cron) &&
      (wanted.ref === undefined || matches(wanted.ref, ref ?? "")),
  );
}

const matches = (pattern: string, ref: string): boolean =>
  pattern.endsWith("*") ? ref.startsWith(pattern.slice(0, -1)) : ref === pattern;

/** Names of every secret that the pipeline's steps use. */
export const secretsOf = ({ steps }: PipelineFile): readonly string[] => [
  ...new Set(
    steps.flatMap(({ environment }) =>
      Object.values(environment).flatMap((value) => (typeof value === "string" ? [] : [value.from_secret])),
    ),
  ),
];
