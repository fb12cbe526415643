/**
 * Serves the remotes of the host tests: git over HTTP from bare repositories, with the faults that a remote can have.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:http";

const [root = "/srv/git", port = "8080"] = process.argv.slice(2);

/** `/<mode>/<repo>/…`; `private` wants `<user>:token-of-<user>`. */
const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://x");
  const [, mode = "", ...rest] = url.pathname.split("/");
  if (mode === "hang") return;
  if (mode === "error") return void response.writeHead(500).end("no");
  if (mode === "garbage") return void response.writeHead(200, { "content-type": "text/html" }).end("<html>");
  if (mode === "loop") return void response.writeHead(302, { location: request.url }).end();
  if (mode === "inward") return void response.writeHead(302, { location: `file:///${rest.join("/")}` }).end();
  if (mode === "slow") {
    response.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
    setInterval(() => response.write("0"), 60_000);
    return;
  }
  // Longer than a delivery waits for one person, and well within what a first clone may take.
  if (mode === "late" && url.search !== "" && !request.headers["x-waited"]) {
    request.headers["x-waited"] = "yes";
    return void setTimeout(() => server.emit("request", request, response), 14_000);
  }
  if (mode === "private" && !isKnown(request.headers.authorization)) {
    return void response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  }
  const backend = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: `/${rest.join("/")}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    },
  });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => request.unpipe());
  let head = Buffer.alloc(0);
  let begun = false;
  backend.stdout.on("data", (chunk: Buffer) => {
    if (begun) return void response.write(chunk);
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    begun = true;
    const lines = head
      .toString("latin1", 0, end)
      .split("\r\n")
      .map((line) => line.split(": ", 2));
    const headers = new Map(lines.map(([name = "", value = ""]) => [name.toLowerCase(), value]));
    const status = Number.parseInt(headers.get("status") ?? "200", 10);
    headers.delete("status");
    response.writeHead(status, Object.fromEntries(headers));
    response.write(head.subarray(end + 4));
  });
  backend.stdout.on("end", () => response.end());
});
server.listen(Number(port), "127.0.0.1");

function isKnown(authorization: string | undefined): boolean {
  const [user, token] = Buffer.from((authorization ?? "").replace(/^Basic /, ""), "base64")
    .toString("utf8")
    .split(":");
  return user !== undefined && token === `token-of-${user}`;
}
