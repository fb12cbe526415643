/** A state of every kind of value, scrubbed, imported by the real engine into a place for previews, and exported again. */

import { mkdtemp, mkdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { mustPulumi } from "../../ci/engine.ts";
import { openPreviewBackend, previewBackendEnv, withScratch } from "../../ci/snapshot/preview-backend.ts";
import { withoutSecrets } from "../../ci/snapshot/remove-secrets.ts";
import { KIND, SIGNATURE } from "../../ci/snapshot/state-schema.ts";
import { toolPath } from "../../lab/toolchain/index.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "snapshot-import-"));
  await Promise.all(["home", "state"].map((name) => mkdir(join(dir, name))));
  vi.stubEnv("PATH", `${await toolPath("engine")}:${process.env.PATH}`);
  vi.stubEnv("PULUMI_HOME", join(dir, "home"));
  vi.stubEnv("WS_PREVIEW_ENVIRONMENT", "PULUMI_BACKEND_URL=file:///nowhere\nPULUMI_CONFIG_PASSPHRASE=of-the-place");
}, 900_000);
afterAll(() => rm(dir, { recursive: true }));

/** A state with what its secrets hold in place of their JSON text, in which the engine sorts the keys. */
const parsed = (text: string): Exported =>
  JSON.parse(text, (_key, value: unknown) => {
    const secret = value as { readonly [SIGNATURE]?: string; readonly plaintext: string } | null;
    return secret?.[SIGNATURE] === KIND.secret ? { secret: parsed(secret.plaintext) } : value;
  }) as Exported;

interface Exported {
  readonly version: number;
  readonly features: readonly string[];
  readonly deployment: { readonly resources: readonly object[] };
}

test("the engine takes the scrubbed state, and gives back every resource as it was published", async () => {
  const state = await readFile(new URL("../ci/fixtures/state-of-every-kind.json", import.meta.url), "utf8");
  await withScratch(async (folder) => {
    const at = { stack: "prod", folder, env: previewBackendEnv(`file://${join(dir, "state")}`) };
    const scrubbed = withoutSecrets(state, new Map(), await openPreviewBackend(at));
    await mustPulumi(at, ["stack", "import"], { input: scrubbed });
    const exported = parsed(await mustPulumi(at, ["stack", "export", "--show-secrets"]));
    const published = parsed(scrubbed);
    expect(exported.deployment.resources).toEqual(published.deployment.resources);
    expect([exported.version, exported.features]).toEqual([published.version, published.features]);
    expect(JSON.stringify(exported)).not.toContain("canary");
  });
});
