/** Defines the image of one program of this machine, with the libraries that it is linked to, and nothing else. */
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "../run.ts";
import type { ImageRecipe } from "./images.ts";

/**
 * @param name under which pods ask for it
 * @param key of the program's content: another key is another image
 * @param program absolute path on this machine; in the image it lies in /usr/local/bin
 */
export const programImage = (name: string, key: string, program: string): ImageRecipe => ({
  name,
  key,
  async fill(root) {
    const bin = join(root, "usr/local/bin");
    await mkdir(bin, { recursive: true });
    await copyFile(program, join(bin, basename(program)));
    await chmod(join(bin, basename(program)), 0o755);
    for (const library of await librariesOf(program)) {
      await mkdir(dirname(join(root, library)), { recursive: true });
      await copyFile(library, join(root, library));
    }
    await mkdir(join(root, "etc"), { recursive: true });
    await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/sbin/nologin\n");
    await mkdir(join(root, "tmp"), { recursive: true });
    await chmod(join(root, "tmp"), 0o1777);
  },
  config: { Entrypoint: [basename(program)], Env: ["PATH=/usr/local/bin:/usr/bin:/bin"] },
});

/** Absolute paths of the shared libraries, the loader included. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run(["ldd", program]);
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}
