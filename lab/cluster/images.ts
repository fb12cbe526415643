/** Makes container images on this machine and hands them to the node: no registry can be reached from the lab. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../instance.ts";
import { run } from "../run.ts";
import { cacheFolder } from "../toolchain/cache.ts";
import { containerdSocket } from "./containerd.ts";

export interface ImageRecipe {
  /** The full name that a pod asks for, registry and tag included. */
  readonly name: string;
  /** Everything the content depends on; another key is another image. */
  readonly key: string;
  /** Fills the root file system, in an empty folder. */
  readonly fill: (root: string) => Promise<void>;
  /** The OCI image configuration: `Entrypoint`, `Cmd`, `User`, `Env`, `ExposedPorts`, `WorkingDir`. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Makes an image unless it is in the cache, and imports it unless the node has it. Pods need `imagePullPolicy` not `Always`. */
export async function ensureImage(instance: Instance, recipe: ImageRecipe): Promise<void> {
  const archive = await archiveOf(recipe);
  const ctr = ["ctr", "--address", containerdSocket(instance), "--namespace", "k8s.io", "images"] as const;
  const label = `lab-key=${keyOf(recipe)}`;
  const { stdout } = await run([...ctr, "list", "--quiet", `name==${recipe.name},labels."lab-key"==${keyOf(recipe)}`]);
  if (stdout.trim() !== "") return;
  await run([...ctr, "import", archive], { timeoutMs: 120_000 });
  await run([...ctr, "label", recipe.name, label]);
}

/** The image as a file that `ctr images import` takes; made when it is not there. */
async function archiveOf(recipe: ImageRecipe): Promise<string> {
  const dir = join(cacheFolder(), "images");
  const archive = join(dir, `${keyOf(recipe)}.tar`);
  const there = await access(archive).then(
    () => true,
    () => false,
  );
  if (there) return archive;
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(join(dir, "making-"));
  try {
    const root = join(work, "root");
    await mkdir(root, { mode: 0o755 });
    await recipe.fill(root);
    await pack(work, recipe);
    await rename(join(work, "image.tar"), archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return archive;
}

/** One layer, one configuration, one manifest. */
async function pack(work: string, recipe: ImageRecipe): Promise<void> {
  const layer = join(work, "layer.tar");
  await run(["tar", "--create", "--file", layer, "--directory", join(work, "root"), ...SAME_BYTES, "."], {
    timeoutMs: 120_000,
  });
  const config = JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: "linux",
    config: recipe.config,
    rootfs: { type: "layers", diff_ids: [`sha256:${await sha256(layer)}`] },
  });
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  await writeFile(join(work, configName), config);
  await writeFile(
    join(work, "manifest.json"),
    JSON.stringify([{ Config: configName, RepoTags: [recipe.name], Layers: ["layer.tar"] }]),
  );
  const parts = ["manifest.json", configName, "layer.tar"];
  await run(["tar", "--create", "--file", join(work, "image.tar"), "--directory", work, ...SAME_BYTES, ...parts]);
}

const keyOf = (recipe: ImageRecipe): string =>
  createHash("sha256")
    .update(JSON.stringify([recipe.name, recipe.key, recipe.config]))
    .digest("hex")
    .slice(0, 16);

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

const SAME_BYTES = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
