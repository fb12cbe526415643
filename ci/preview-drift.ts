/** Previews the deployed program after reading every resource anew, and tells what was changed by hand from what is due anyway. */

import { type StackAt, tail } from "./engine.ts";
import { StepError } from "./environment.ts";
import { differencesBetween, type Preview, reverted, type Touched } from "./pull-request/preview-differences.ts";
import { runPreview } from "./run-preview.ts";

export interface RefreshedPreview {
  /** What a deployment would change only because the resource is no longer as the last deployment left it. */
  readonly drift: readonly Touched[];
  /** What a deployment would change all the same: an end date has passed, a token is due, or an earlier run failed. */
  readonly due: readonly Touched[];
}

/**
 * The state stays as it is.
 * @param options further ones of `pulumi preview`, such as `--replace`
 * @throws StepError with the engine's own errors where the preview fails
 */
export async function previewRefreshed(at: StackAt, options: readonly string[] = []): Promise<RefreshedPreview> {
  const refreshed = await preview(at, ["--refresh", ...options]);
  if (all(refreshed).length === 0) return { drift: [], due: [] };
  const plain = await preview(at, options);
  const byPlugin = differencesBetween(plain, refreshed).change;
  const drift = [...byPlugin, ...reverted(refreshed).filter((one) => !isAmong(byPlugin, one))];
  return { drift, due: all(plain).filter((one) => !isAmong(drift, one)) };
}

const isAmong = (all: readonly Touched[], { type, name }: Touched) =>
  all.some((one) => one.type === type && one.name === name);

const all = (previewed: Preview): readonly Touched[] => differencesBetween({}, previewed).change;

/**
 * Has the Kubernetes plugin take back fields of the program's own objects that another field manager holds since, such as
 * `kubectl edit`. Without it the API server refuses to restore them (server-side apply), and even to preview it.
 */
export const RESTORING = { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" } as const;

async function preview(at: StackAt, options: readonly string[]): Promise<Preview> {
  const { preview: found, errors, stderr } = await runPreview({ ...at, env: { ...at.env, ...RESTORING } }, options);
  if (found !== undefined) return found;
  throw new StepError(
    `The preview failed, so nothing is known of changes by hand:\n${tail(errors.join("\n") || stderr)}`,
  );
}
