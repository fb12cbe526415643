/** Tokens of an account that was renamed on the forge are found and revoked, and are never taken for gone. */

import { afterAll, expect, test } from "vitest";
import { tokenApi } from "../../../clients/forgejo/access-tokens.ts";
import { openForge } from "../../../clients/forgejo/client.ts";
import { type Reply, startHttpServer } from "../http-server.ts";

const TOKEN = { id: 7, name: "workstation-prod-1", scopes: ["write:repository"] };
const NEW_NAME = { id: 12, login: "new.name" };
let oldName: Reply = { status: 404, body: { message: "not found" } };
const server = await startHttpServer((method, path) => {
  if (path === "/api/v1/users/old.name") return oldName;
  if (path === "/api/v1/users/new.name") return { status: 200, body: NEW_NAME };
  if (path.startsWith("/api/v1/users/search")) return { status: 200, body: { ok: true, data: [] } };
  if (method === "DELETE") return { status: 204, body: "" };
  return { status: 200, body: path.includes("page=1") ? [TOKEN] : [] };
});
afterAll(server.stop);

const api = (id?: number) => {
  const forge = openForge({ url: server.address, username: "ops", password: "swordfish", timeoutMs: 2000, pauseMs: 1 });
  return tokenApi(forge, { login: "old.name", id }, AbortSignal.timeout(30_000));
};
const pointsTo = (location: string): Reply => ({ status: 307, body: "", headers: { location } });

test.each([undefined, NEW_NAME.id])(
  "the tokens of a renamed account (id %s) are listed and revoked under its new name, and none is issued",
  async (id) => {
    oldName = pointsTo("/api/v1/users/new.name");
    const tokens = api(id);
    expect(await tokens.list()).toEqual([TOKEN]);
    await tokens.revoke(TOKEN.id);
    expect(server.asked.at(-1)).toBe("DELETE /api/v1/users/new.name/tokens/7");
    await expect(tokens.mint("workstation-prod-2", ["read:user"])).rejects.toThrow(
      'the forge account "old.name" was renamed to "new.name" by its owner (id 12); write login: new.name and previously: {forgejo_login: old.name} in its row',
    );
  },
);

test.each(["/user/login", "https://elsewhere.test/", "/api/v1/orgs/new.name", "/api/v1/users/new.name/tokens"])(
  "a redirect to %s is an error and no absence",
  async (location) => {
    oldName = pointsTo(location);
    await expect(api().list()).rejects.toThrow('cannot see whether the account "old.name" exists');
  },
);

test("an account that points back to itself is an error", async () => {
  oldName = pointsTo("/api/v1/users/old.name");
  await expect(api().list()).rejects.toThrow('points from "old.name" on to "old.name"');
});

test("only an account that the forge itself does not know has no tokens", async () => {
  oldName = { status: 404, body: { message: "not found" } };
  expect(await api().list()).toBeUndefined();
  expect(await api(NEW_NAME.id).list()).toBeUndefined();
});
