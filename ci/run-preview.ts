/** Runs `pulumi preview --json` for a step and reads its answer. */

import { pulumi, type PulumiOptions, type StackAt } from "./engine.ts";
import { type Preview, previewForm } from "./pull-request/preview-differences.ts";

export interface PreviewRun {
  /** Undefined where the preview failed. */
  readonly preview: Preview | undefined;
  /** The program's and the engine's own error messages. */
  readonly errors: readonly string[];
  readonly stderr: string;
}

/**
 * @param flags further ones of `pulumi preview`, such as `--refresh`
 * @throws ZodError for an answer in an unknown form
 */
export async function runPreview(
  at: StackAt,
  flags: readonly string[] = [],
  options: PulumiOptions = {},
): Promise<PreviewRun> {
  const { code, stdout, stderr } = await pulumi(at, ["preview", "--json", ...flags], options);
  const text = stdout.toString("utf8");
  // An engine that cannot start writes no JSON.
  const found = text.trimStart().startsWith("{") ? previewForm.parse(JSON.parse(text)) : undefined;
  const failed = (found?.diagnostics ?? []).filter(({ severity }) => severity === "error");
  return { preview: code === 0 ? found : undefined, errors: failed.map(({ message }) => message), stderr };
}
