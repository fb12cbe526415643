/** Debian's own sshd on a free port of loopback, with keys, configuration and log of its own. Needs root. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A running sshd. */
export interface Sshd {
  /** For the fixture's `connection`. */
  readonly connection: Readonly<Record<string, string | number>>;
  /** A folder on "the host", which is this machine. */
  readonly folder: string;
  /** Another key of the same type, which is not the host's. */
  readonly strangeHostKey: string;
  readonly log: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** Starts it and waits until it answers. */
export async function startSshd(): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), "ws-sshd-"));
  const file = (name: string): string => join(folder, name);
  const port = await freePort();
  for (const name of ["host", "strange", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file(name)]);
  }
  mkdirSync("/run/sshd", { recursive: true });
  await writeFile(
    file("config"),
    [
      ...[
        `Port ${port}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${file("host")}`,
        `AuthorizedKeysFile ${file("user.pub")}`,
      ],
      ...[
        "PasswordAuthentication no",
        "UsePAM no",
        "PidFile none",
        "StrictModes no",
        "PermitRootLogin prohibit-password",
      ],
      ...["Subsystem sftp internal-sftp", "LogLevel DEBUG1", "MaxStartups 10:30:100", ""],
    ].join("\n"),
  );
  const server = spawn("/usr/sbin/sshd", ["-D", "-f", file("config"), "-E", file("log")], { stdio: "ignore" });
  await untilAnswers(port);
  return {
    connection: {
      ...{ host: "127.0.0.1", port, user: "root" },
      privateKey: await readFile(file("user"), "utf8"),
      hostKey: (await readFile(file("host.pub"), "utf8")).trim(),
    },
    folder,
    strangeHostKey: (await readFile(file("strange.pub"), "utf8")).trim(),
    log: () => readFile(file("log"), "utf8"),
    stop: async () => {
      server.kill();
      await new Promise((done) => server.once("exit", done));
      await rm(folder, { recursive: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function untilAnswers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.unref().end();
    });
    if (answered) return;
    await sleep(50);
  }
  throw new Error(`sshd does not answer on port ${port} after 5 s`);
}
