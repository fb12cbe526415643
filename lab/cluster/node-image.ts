/** node for pods that run a small program of ours: this machine's own node, laid out as the public image that they name. */
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../run.ts";
import type { ImageRecipe } from "./images.ts";

/** The name under which pods ask for it; the content is the node that runs the lab. */
export const NODE_IMAGE = "docker.io/library/node:22.21.1-bookworm-slim";

export const nodeImage: ImageRecipe = {
  name: NODE_IMAGE,
  key: `${process.version} ${process.execPath}`,
  async fill(root) {
    const program = join(root, "usr/local/bin/node");
    for (const library of await librariesOf(process.execPath)) {
      await mkdir(dirname(join(root, library)), { recursive: true });
      await copyFile(library, join(root, library));
    }
    await mkdir(dirname(program), { recursive: true });
    await copyFile(process.execPath, program);
    await chmod(program, 0o755);
    await mkdir(join(root, "etc"), { recursive: true });
    await writeFile(
      join(root, "etc/passwd"),
      "root:x:0:0:root:/root:/sbin/nologin\nnode:x:1000:1000::/tmp:/sbin/nologin\n",
    );
    await mkdir(join(root, "tmp"), { recursive: true });
    await chmod(join(root, "tmp"), 0o1777);
  },
  config: { Entrypoint: ["node"], Env: ["PATH=/usr/local/bin:/usr/bin:/bin"] },
};

/** Absolute paths of the shared libraries that a program is linked to, its loader included. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run(["ldd", program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}
