/** Parses the identity of a host: only the key that the program names is believed. */
import { createHash } from "node:crypto";
import { ProviderError } from "../../../providers/runtime/errors.ts";

/** The expected key and the algorithms by which a host can prove that it has it. */
export interface HostKey {
  readonly blob: Buffer;
  /** In the terms of SSH key exchange; limits what the host may present, or it may choose a key of another type. */
  readonly algorithms: readonly string[];
  /** `SHA256:…`, as `ssh-keygen -lf` prints it. */
  readonly fingerprint: string;
}

/** Reads one line of `authorized_keys` or `.pub` form: type, base64, comment. */
export function parseHostKey(line: string): HostKey {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  if (!blob.subarray(4, 4 + type.length).equals(Buffer.from(type)) || type === "") {
    throw new ProviderError(
      `connection.hostKey is no public key: it begins with ${JSON.stringify(line.slice(0, 16))}; give the host's line as ` +
        '`ssh-keyscan -t ed25519 HOST` prints it, without the host name: "ssh-ed25519 AAAA…"',
    );
  }
  return { blob, algorithms: PROOFS[type] ?? [type], fingerprint: fingerprint(blob) };
}

/** The key's fingerprint as people compare it. */
export const fingerprint = (blob: Buffer): string =>
  `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;

/** One key type whose proofs go by other names: RSA with SHA-1 is not accepted any more. */
const PROOFS: Readonly<Record<string, readonly string[]>> = { "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"] };
