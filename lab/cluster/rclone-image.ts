/**
 * Defines the image of rclone for pods: the program built from its module, with busybox beside it, laid out as the
 * public image that is named.
 */
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../run.ts";
import type { ToolHome } from "../toolchain/index.ts";
import { unpackPackages } from "./debian-root.ts";
import type { ImageRecipe } from "./images.ts";

/** The name under which pods ask for it. */
export const RCLONE_IMAGE = "docker.io/rclone/rclone:1.74.3";

/** @param rclone the tool as the toolchain hands it out; its folder tells one build from another */
export const rcloneImage = (rclone: ToolHome): ImageRecipe => ({
  name: RCLONE_IMAGE,
  key: rclone.dir,
  async fill(root) {
    await unpackPackages(root, ["busybox-static", "libc6"]);
    const programs = join(root, "usr/local/bin");
    await mkdir(programs, { recursive: true });
    await copyFile(rclone.file("rclone"), join(programs, "rclone"));
    // The public image's busybox has flock; Debian's has not.
    const aside = `${root}.flock`;
    await mkdir(aside);
    await unpackPackages(aside, ["util-linux"]);
    await copyFile(join(aside, "usr/bin/flock"), join(programs, "flock"));
    const { stdout } = await run([join(root, "bin/busybox"), "--list"]);
    for (const name of stdout.trim().split("\n")) {
      if (name !== "busybox") await symlink("/bin/busybox", join(programs, name));
    }
    await symlink("busybox", join(root, "bin/sh"));
    await mkdir(join(root, "etc"), { recursive: true });
    await writeFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await mkdir(join(root, "tmp"), { recursive: true });
    await chmod(join(root, "tmp"), 0o1777);
  },
  config: {
    Entrypoint: ["rclone"],
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "XDG_CONFIG_HOME=/config"],
    WorkingDir: "/data",
  },
});
