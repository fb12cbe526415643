/** Determines which uid owns the far end of a loopback connection, as the kernel reports it. */

import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";

/** The kernel's tables of TCP sockets: a server that listens on all of IPv6 answers over IPv4 too, and is in the second. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/** The uid of the account, from the system's own file; undefined when there is no such account. */
export function uidOf(osUser: string, passwd: string = readFileSync("/etc/passwd", "utf8")): number | undefined {
  const row = passwd.split("\n").find((line) => line.startsWith(`${osUser}:`));
  const uid = row?.split(":")[2];
  return uid !== undefined && /^\d+$/.test(uid) ? Number(uid) : undefined;
}

/**
 * The uid of the socket that accepted the connection from `localPort` to 127.0.0.1:`port`; undefined as long as nobody
 * has. Of the accepted socket and not of the listener: that one could be another's by now.
 */
export function ownerOfFarEnd(
  port: number,
  localPort: number,
  tables: readonly string[] = readTables(),
): number | undefined {
  return uidOfSocket("127.0.0.1", port, "127.0.0.1", localPort, tables);
}

/** The uid of this host's connected socket with those two ends, IPv4 or IPv6; undefined when there is none. */
export function uidOfSocket(
  address: string,
  port: number,
  peer: string,
  peerPort: number,
  tables: readonly string[],
): number | undefined {
  const mine = new Set(hexForms(address).map((form) => `${form}:${hexPort(port)}`));
  const theirs = new Set(hexForms(peer).map((form) => `${form}:${hexPort(peerPort)}`));
  for (const line of tables.flatMap((text) => text.split("\n"))) {
    const [, local = "", remote = "", state, , , , uid = "", , inode] = line.trim().split(/\s+/);
    if (state !== ESTABLISHED || !mine.has(local) || !theirs.has(remote)) continue;
    // One that waits in the listener's queue has no file yet, and some kernels then say that it is root's.
    if (inode === "0") return undefined;
    return Number(uid);
  }
  return undefined;
}

const ESTABLISHED = "01";

/** As the kernel's tables print it: words of four bytes, each in the machine's own order. */
function hexForms(address: string): readonly string[] {
  if (isIPv4(address)) {
    const word = wordOf(address.split(".").map(Number));
    return [word, `0000000000000000FFFF0000${word}`];
  }
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - groups(head).length - after.length }, () => "0");
  const all = [...groups(head), ...(tail === undefined ? [] : zeros), ...after].map((group) =>
    Number.parseInt(group, 16),
  );
  const bytes = all.flatMap((group) => [group >> 8, group & 255]);
  return [[0, 4, 8, 12].map((at) => wordOf(bytes.slice(at, at + 4))).join("")];
}

const wordOf = (bytes: readonly number[]): string =>
  [...bytes]
    .reverse()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"))
    .join("");

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

const readTables = (): readonly string[] => TABLES.map((path) => readFileSync(path, "latin1"));
