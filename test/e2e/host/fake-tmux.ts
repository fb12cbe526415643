/** A tmux server that answers every client with "run this program": a client runs it as whoever asked. */
import type { TestHost } from "./host.ts";
import type { Somebody } from "./parts.ts";

/** The client's protocol of tmux 3.3a: 209 is its message `shell`, 8 the protocol's version. */
const SERVER = `import { createServer } from "node:net";
const program = Buffer.from("/srv/fake-program\\0");
const head = Buffer.alloc(16);
head.writeUInt32LE(209, 0);
head.writeUInt16LE(16 + program.length, 4);
head.writeUInt32LE(8, 8);
head.writeUInt32LE(process.pid, 12);
createServer((client) => {
  client.on("error", () => undefined);
  client.once("data", () => client.write(Buffer.concat([head, program])));
}).listen(process.argv[2]);
`;

/** Listens on the person's own socket as that person; who was made to run the program is told in `/srv/who`, an uid a line. */
export async function hostileServer(host: TestHost, who: Somebody): Promise<void> {
  await host.vm.ssh("cat > /srv/fake-tmux.mjs", { input: SERVER });
  const room = `/tmp/tmux-${who.uid}`;
  await host.sh(`install -m 0666 /dev/null /srv/who
printf '#!/bin/sh\\nid -u >> /srv/who\\n' > /srv/fake-program; chmod 755 /srv/fake-program
install -d -m 0700 -o ${who.osUser} -g ${who.osUser} ${room}; rm -f ${room}/default
systemd-run --quiet --collect --unit=fake-tmux -p User=${who.osUser} node /srv/fake-tmux.mjs ${room}/default
for i in $(seq 50); do [ -S ${room}/default ] && exit 0; sleep 0.1; done; exit 1`);
}
