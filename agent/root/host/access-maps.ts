/** Converges what a host holds about all its users at once: the generated maps and the packet filter. */

import { createHash } from "node:crypto";
import { type Step, says } from "../../lib/converge.ts";
import type { MapsPart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { packetFilter } from "./nftables-rules.ts";
import { tryLoadPart } from "../state/stored-parts.ts";
import { STATE } from "../state/json-files.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { filesStep } from "../system/generated-files.ts";

export const FILTER_FILE = "/etc/workstation/ports.nft";
const FILTER_SEEN = `${STATE}/filter-as-loaded`;
const NFT = "/usr/sbin/nft";

/** The only files that a part may name, each with its mode: a part is no way to write anywhere. */
const KNOWN = new Map([
  ["/etc/ttyd-user-map", 0o644],
  ["/etc/ttyd-admins", 0o644],
  ["/etc/t3-serve/dispatch.json", 0o644],
]);

/** @throws Refusal for a path that is no map, or a map that its readers could not read. */
export function mapSteps(m: Machine, part: MapsPart): readonly Step[] {
  const files = part.files.map(({ path, text }) => {
    const mode = KNOWN.get(path);
    if (mode === undefined)
      throw new Refusal(`${path} is not one of the generated maps: ${[...KNOWN.keys()].join(", ")}`);
    if (path.endsWith(".json")) assertJsonObject(path, text);
    return { path, text, mode };
  });
  return [filesStep(m.sys, "maps", files, "maps-file"), filter(m, part)];
}

function filter(m: Machine, part: MapsPart): Step {
  const users = m.accounts().users;
  const proxyUids = part.proxyUsers.flatMap((name) => users.get(name)?.uid ?? []);
  const people = part.ports.map(({ osUser, uid, t3, browser }) => ({ osUser, uid, t3, browser }));
  const text = packetFilter({ people, proxyUids });
  return {
    name: "packet filter",
    differences: async () => {
      const [file] = await filesStep(
        m.sys,
        "packet filter",
        [{ path: FILTER_FILE, text, mode: 0o600 }],
        "maps-filter-file",
      ).differences();
      const loaded = await m.sys.run([NFT, "list", "table", "inet", "workstation"], { reads: true });
      const seen = m.sys.read(FILTER_SEEN)?.toString("utf8");
      // The kernel prints its rules in its own words, so what it said after our loading is what it must say now.
      const same = loaded.code === 0 && seen === digest(text, loaded.stdout);
      if (same && file === undefined) return [];
      const apply = async () => {
        await runOrThrow(m.sys, [NFT, "-f", FILTER_FILE]);
        const now = await runOrThrow(m.sys, [NFT, "list", "table", "inet", "workstation"], { reads: true });
        m.sys.replaceFile(FILTER_SEEN, { bytes: digest(text, now), mode: 0o600 });
      };
      const load = {
        point: "maps-filter-apply" as const,
        says: says("apply", "the packet filter of the users' ports"),
        apply,
      };
      return file === undefined ? [load] : [file, load];
    },
  };
}

/** What is wrong with the packet filter that was last loaded; undefined where it is as loaded, or was never delivered. */
export async function filterFault(m: Machine): Promise<string | undefined> {
  const text = m.sys.read(FILTER_FILE)?.toString("utf8");
  if (text === undefined)
    return tryLoadPart(m.sys, "maps") === undefined
      ? undefined
      : `${FILTER_FILE} is missing; run: workstation reconcile`;
  const loaded = await m.sys.run([NFT, "list", "table", "inet", "workstation"], { reads: true });
  if (loaded.code !== 0) return "the packet filter of the users' ports is not loaded; run: workstation reconcile";
  if (m.sys.read(FILTER_SEEN)?.toString("utf8") === digest(text, loaded.stdout)) return undefined;
  return "the packet filter of the users' ports is another one than was loaded; run: workstation reconcile";
}

const digest = (text: string, listing: string): string =>
  createHash("sha256").update(text).update("\0").update(listing).digest("hex");

function assertJsonObject(path: string, text: string): void {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  } catch (cause) {
    throw new Refusal(`the delivered ${path} is not valid JSON; the installed file was left unchanged`, { cause });
  }
  throw new Refusal(`the delivered ${path} must be a JSON object; the installed file was left unchanged`);
}
