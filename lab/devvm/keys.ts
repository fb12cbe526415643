/**
 * Makes the SSH keys of the lab: one that opens the DevVMs of an instance, and a host key of its own for each of them.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import { withLock } from "../lock.ts";
import { run } from "../run.ts";

export interface KeyPair {
  readonly privatePath: string;
  readonly privateText: string;
  /** Type and key, without a comment: `ssh-ed25519 AAAA…`. */
  readonly publicLine: string;
}

/** The key pair at this path; made at the first call and kept, so that a client's trust outlives a reset. */
export async function keyPair(instance: Instance, ...path: readonly [string, ...string[]]): Promise<KeyPair> {
  const privatePath = instance.path("devvm", ...path);
  await mkdir(join(privatePath, ".."), { recursive: true, mode: 0o700 });
  await withLock(`${privatePath}.lock`, { what: "making an SSH key", withinMs: 10_000 }, async () => {
    if ((await readIfThere(`${privatePath}.pub`)) !== undefined) return;
    // Without its public half it is the leftover of a killed run, and the tool would stop to ask.
    await run(["rm", "-f", privatePath]);
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", privatePath]);
  });
  const [privateText, publicText] = await Promise.all([
    readFile(privatePath, "utf8"),
    readFile(`${privatePath}.pub`, "utf8"),
  ]);
  return { privatePath, privateText, publicLine: publicText.trim().split(" ").slice(0, 2).join(" ") };
}
