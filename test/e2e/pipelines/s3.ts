/** Starts an S3 server on loopback over a folder: rclone's own, with one pair of keys. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { toolPath } from "../../../lab/toolchain/index.ts";

export interface S3 {
  /** What the engine's environment needs for a bucket, which is a folder of the served one. */
  variables(bucket: string): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function serveS3(folder: string, key: string, secret: string): Promise<S3> {
  const rclone = join(await toolPath("rclone"), "rclone");
  const argv = ["serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", `${key},${secret}`, folder];
  const server = spawn(rclone, argv, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/bin:/bin", HOME: folder },
  });
  const ended = new Promise<void>((done) => server.once("close", () => done()));
  const port = await new Promise<string>((resolve, reject) => {
    let log = "";
    server.stderr.setEncoding("utf8").on("data", (part: string) => {
      log += part;
      const found = /127\.0\.0\.1:(\d+)/.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`rclone ended before it listened:\n${log}`)));
  });
  return {
    variables: (bucket) => ({
      PULUMI_BACKEND_URL: `s3://${bucket}?endpoint=http://127.0.0.1:${port}&region=us-east-1&s3ForcePathStyle=true`,
      AWS_ACCESS_KEY_ID: key,
      AWS_SECRET_ACCESS_KEY: secret,
    }),
    close: async () => {
      server.kill("SIGTERM");
      await ended;
    },
  };
}
