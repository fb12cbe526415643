/**
 * Emulates the code server on the lab's DevVM: listens on loopback and answers with its own user, process and port. It
 * runs as the user to whom it belongs.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { userInfo } from "node:os";

const port = Number(process.env.T3_PORT);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  process.stderr.write(`t3-stub: T3_PORT is "${process.env.T3_PORT ?? ""}", which is no port\n`);
  process.exit(2);
}
const { uid, username } = userInfo();
const who = { service: "t3-stub", uid, user: username, pid: process.pid, port, cwd: process.cwd() };

/** `/stream` sends a line at once and one a second until the client goes; every other path answers with what was asked. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  if (url !== "/stream") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`${JSON.stringify({ ...who, method, url, headers })}\n`);
    return;
  }
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  let line = 0;
  const send = () => response.write(`${JSON.stringify({ ...who, line: line++ })}\n`);
  send();
  const timer = setInterval(send, 1_000);
  response.on("close", () => clearInterval(timer));
}

createServer(answer)
  .on("error", (error) => {
    process.stderr.write(`t3-stub: ${error.message}\n`);
    process.exit(1);
  })
  .listen(port, "127.0.0.1");
