import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPullRequests } from "../../ci/runner/pull-requests.ts";
import { isDue, previewRuns, REPEAT_AFTER_MS } from "../../ci/runner/due-runs.ts";

const sha = (digit: string) => digit.repeat(40);
const request = (number: number, digit: string, ref = "master") => ({
  number,
  base: { ref },
  head: { sha: sha(digit) },
});

let pages: readonly (readonly object[])[] = [];
let total = "0";
const server = createServer(({ url }, reply) => {
  const page = Number(new URL(url ?? "", "http://forge").searchParams.get("page"));
  reply.writeHead(200, { "content-type": "application/json", "x-total-count": total });
  reply.end(JSON.stringify(pages[page - 1] ?? []));
});
beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise((done) => server.close(done)));

const list = () =>
  openPullRequests({
    forge: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ owner: "ops", repository: "infra", branch: "master", account: "reader", token: "token" },
  });

test("every open pull request for the branch is previewed once for each state of its branch", async () => {
  pages = [[request(7, "a"), request(9, "b")], [request(8, "c", "topic")]];
  total = "3";
  const runs = previewRuns("master", await list());
  expect(runs.map(({ variables }) => variables)).toEqual([
    { CI_PIPELINE_EVENT: "pull_request", CI_COMMIT_SHA: sha("b"), CI_COMMIT_PULL_REQUEST: "9" },
    { CI_PIPELINE_EVENT: "pull_request", CI_COMMIT_SHA: sha("a"), CI_COMMIT_PULL_REQUEST: "7" },
  ]);
  const [newest] = runs;
  if (newest === undefined) throw new Error("no run");
  const pushed = previewRuns("master", [{ number: 9, commit: sha("d") }]);
  expect(pushed[0]?.key).not.toBe(newest.key);
  expect([
    isDue(newest, { atMs: 0, ok: true }, REPEAT_AFTER_MS * 100),
    isDue(newest, { atMs: 0, ok: false }, REPEAT_AFTER_MS - 1),
    isDue(newest, { atMs: 0, ok: false }, REPEAT_AFTER_MS),
  ]).toEqual([false, false, true]);
});

test("a listing that is not whole is an error", async () => {
  pages = [[request(7, "a")]];
  total = "2";
  await expect(list()).rejects.toThrow(/the listing is not whole \(1 of 2 entries came\)/);
});

test("a commit that is no hash is an error", async () => {
  pages = [[{ ...request(7, "a"), head: { sha: "--upload-pack=x" } }]];
  total = "1";
  await expect(list()).rejects.toThrow(/not of the expected form \(at: 0\.head\.sha\)/);
});
