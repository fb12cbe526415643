/** Tokens of an account that was renamed on the forge are found and revoked, and are never taken for gone. */

import { afterAll, expect, test } from "vitest";
import { tokenApi } from "../../../clients/forgejo/access-tokens.ts";
import { openForge } from "../../../clients/forgejo/client.ts";
import { type Reply, startHttpServer } from "../http-server.ts";

const TOKEN = { id: 7, name: "workstation-prod-1", scopes: ["write:repository"] };
let oldName: Reply = { status: 404, body: { message: "not found" } };
const server = await startHttpServer((method, path) => {
  if (path.startsWith("/api/v1/users/old.name")) return oldName;
  if (method === "DELETE") return { status: 204, body: "" };
  return { status: 200, body: path.includes("page=1") ? [TOKEN] : [] };
});
afterAll(server.stop);

const api = () => {
  const forge = openForge({ url: server.address, username: "ops", password: "swordfish", timeoutMs: 2000, pauseMs: 1 });
  return tokenApi(forge, "old.name", AbortSignal.timeout(30_000));
};
const pointsTo = (location: string): Reply => ({ status: 307, body: "", headers: { location } });

test("the tokens of a renamed account are listed and revoked under its new name", async () => {
  oldName = pointsTo("/api/v1/users/new.name/tokens?page=1&limit=50");
  const tokens = api();
  expect(await tokens.list()).toEqual([TOKEN]);
  await tokens.revoke(TOKEN.id);
  expect(server.asked.at(-1)).toBe("DELETE /api/v1/users/new.name/tokens/7");
});

test.each(["/user/login", "https://elsewhere.test/", "/api/v1/users/new.name"])(
  "a redirect to %s is an error and no absence",
  async (location) => {
    oldName = pointsTo(location);
    await expect(api().list()).rejects.toThrow("status 307");
  },
);

test("an account that points back to itself is an error", async () => {
  oldName = pointsTo("/api/v1/users/old.name/tokens");
  await expect(api().list()).rejects.toThrow("status 307");
});

test("only an account that the forge itself does not know has no tokens", async () => {
  oldName = { status: 404, body: { message: "not found" } };
  expect(await api().list()).toBeUndefined();
});
