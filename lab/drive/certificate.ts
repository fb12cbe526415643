/** Makes a certificate for the lab's Drive; its clients are configured not to check it, so any will do. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../run.ts";

/** PEM texts. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes one, valid for a day. */
export async function throwAwayCertificate(): Promise<Pair> {
  const dir = await mkdtemp(join(tmpdir(), "lab-drive-"));
  const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
  try {
    await run([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "1", "-subj", "/CN=lab-drive", "-keyout", key, "-out", cert],
    ] as [string, ...string[]]);
    return { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  } finally {
    await rm(dir, { recursive: true });
  }
}
