/** A tmux server that answers every client with lies: "run this program", "send me that file", or without an end. */
import type { TestHost } from "./host.ts";
import type { Somebody } from "./parts.ts";

/**
 * What it answers with. `shell`: run a program instead of yourself. `more`: hand over a file of root's, then lock the terminal
 * with a program, then run one in the end. `flood`: a listing of a gigabyte.
 */
export type Lie = "shell" | "more" | "flood";

/** The client's protocol of tmux 3.3a: its message numbers, and 8 for the protocol's version. */
const SERVER = `import { appendFileSync } from "node:fs";
import { createServer } from "node:net";
const [path, lie] = process.argv.slice(2);
const [EXITED, LOCK, READY, SHELL, EXEC, READ_OPEN, WRITE_OPEN, WRITE] = [204, 206, 207, 209, 217, 300, 303, 304];
const program = Buffer.from("/srv/fake-program\\0");
const numbers = (...all) => Buffer.from(new Int32Array(all).buffer);
function message(type, ...payload) {
  const body = Buffer.concat(payload);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(type, 0);
  head.writeUInt16LE(16 + body.length, 4);
  head.writeUInt32LE(8, 8);
  head.writeUInt32LE(process.pid, 12);
  return Buffer.concat([head, body]);
}
const FILE = message(READ_OPEN, numbers(7, -1), Buffer.from("/etc/shadow\\0"));
const MORE = [
  message(READY),
  message(LOCK, program),
  message(EXEC, program, Buffer.from("/bin/sh\\0")),
  message(EXITED),
];
const PIECE = message(WRITE, numbers(7), Buffer.alloc(16000, "x"));
createServer((client) => {
  client.on("error", () => undefined);
  let started = false;
  client.on("data", (data) => {
    appendFileSync("/srv/got", data);
    if (started) return;
    started = true;
    if (lie === "shell") client.write(message(SHELL, program));
    else if (lie === "more") {
      client.write(FILE);
      // It ends at the last of these, so it is given time to send.
      setTimeout(() => client.write(Buffer.concat(MORE)), 500);
    }
    else {
      client.write(message(WRITE_OPEN, numbers(7, 1, 0)));
      let left = 2 ** 30;
      const pour = () => {
        while (left > 0 && !client.destroyed) {
          left -= PIECE.length;
          if (!client.write(PIECE)) return void client.once("drain", pour);
        }
      };
      pour();
    }
  });
}).listen(path);
`;

/**
 * Listens on the person's own socket as that person. Who was made to run the program is told in `/srv/who`, an uid a line;
 * what clients have sent is in `/srv/got`.
 */
export async function hostileServer(host: TestHost, who: Somebody, lie: Lie = "shell"): Promise<void> {
  await host.vm.ssh("cat > /srv/fake-tmux.mjs", { input: SERVER });
  const room = `/tmp/tmux-${who.uid}`;
  await host.sh(`install -m 0666 /dev/null /srv/who; install -m 0666 /dev/null /srv/got
printf '#!/bin/sh\\nid -u >> /srv/who\\n' > /srv/fake-program; chmod 755 /srv/fake-program
install -d -m 0700 -o ${who.osUser} -g ${who.osUser} ${room}; rm -f ${room}/default
systemctl stop fake-tmux 2>/dev/null; systemd-run --quiet --collect --unit=fake-tmux -p User=${who.osUser} node /srv/fake-tmux.mjs ${room}/default ${lie}
for i in $(seq 50); do [ -S ${room}/default ] && exit 0; sleep 0.1; done; exit 1`);
}
