/** Whose a connection's far end is, as the kernel tells: a port of loopback belongs to whoever took it first. */

import { readFileSync } from "node:fs";

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
  const local = hexPort(port);
  const remote = hexPort(localPort);
  for (const line of tables.flatMap((text) => text.split("\n"))) {
    const [, mine = "", theirs = "", state, , , , uid = "", , inode] = line.trim().split(/\s+/);
    if (state !== ESTABLISHED || !isLoopback(mine, local) || !isLoopback(theirs, remote)) continue;
    // One that waits in the listener's queue has no file yet, and some kernels then say that it is root's.
    if (inode === "0") return undefined;
    return Number(uid);
  }
  return undefined;
}

const ESTABLISHED = "01";
const LOOPBACK = "0100007F";
const MAPPED = `0000000000000000FFFF0000${LOOPBACK}`;

const isLoopback = (address: string, port: string): boolean =>
  address === `${LOOPBACK}:${port}` || address === `${MAPPED}:${port}`;

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

const readTables = (): readonly string[] => TABLES.map((path) => readFileSync(path, "latin1"));
