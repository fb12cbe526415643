/** An account that its owner renamed is found by the forge's redirect or by its id, and is never taken for gone. */

import { afterEach, expect, test } from "vitest";
import { findAccount } from "../../../clients/forgejo/accounts-by-id.ts";
import { openForge } from "../../../clients/forgejo/client.ts";
import { type HttpServer, type Reply, startHttpServer } from "../http-server.ts";

let server: HttpServer | undefined;
afterEach(() => server?.stop());

const emo = { id: 7, login: "emo2" };
const there = (body: object): Reply => ({ status: 200, body });
const moved = (location: string): Reply => ({ status: 307, body: {}, headers: { location } });
const none: Reply = { status: 404, body: { message: "user redirect does not exist" } };
const found = (...data: object[]): Reply => there({ ok: true, data });

/** A forge that gives these answers below `/api/v1`, and keeps what it was asked. */
async function forgeWith(replies: Readonly<Record<string, Reply>>) {
  const started = await startHttpServer((_, path) => replies[path.replace("/api/v1/", "")] ?? none);
  server = started;
  const access = { url: started.address, username: "ops", password: "swordfish", timeoutMs: 5000, pauseMs: 1 };
  return { forge: openForge(access), asked: started.asked };
}

const signal = () => AbortSignal.timeout(10_000);

test("a renamed account is found under its new name, and is not absent", async () => {
  const { forge } = await forgeWith({ "users/emo": moved("/api/v1/users/emo2"), "users/emo2": there(emo) });
  expect(await findAccount(forge, "emo", undefined, signal())).toEqual(emo);
  expect(await findAccount(forge, "emo", 7, signal())).toEqual(emo);
});

test("the account is known by its id where its old name is somebody else's or nobody's by now", async () => {
  const taken = { "users/emo": there({ id: 9, login: "emo" }), "users/search?uid=7": found(emo) };
  expect(await findAccount((await forgeWith(taken)).forge, "emo", 7, signal())).toEqual(emo);
  await server?.stop();
  const free = { "users/search?uid=7": found(emo) };
  expect(await findAccount((await forgeWith(free)).forge, "emo", 7, signal())).toEqual(emo);
});

test("an account is gone where neither its name nor its id leads to one", async () => {
  const { forge } = await forgeWith({ "users/search?uid=7": found() });
  expect(await findAccount(forge, "emo", undefined, signal())).toBeUndefined();
  expect(await findAccount(forge, "emo", 7, signal())).toBeUndefined();
});

test.each<[string, Reply]>([
  ["to another server", moved("https://elsewhere.example/api/v1/users/emo2")],
  ["out of the API", moved("/user/login")],
  ["to something that is no account", moved("/api/v1/orgs/emo")],
  ["to nowhere", { status: 307, body: {} }],
])("a redirect %s is neither followed nor taken for absence", async (_where, reply) => {
  const { forge, asked } = await forgeWith({ "users/emo": reply });
  await expect(findAccount(forge, "emo", undefined, signal())).rejects.toThrow(/account "emo" exists/);
  expect(asked).toEqual(["GET /api/v1/users/emo"]);
});

test("a page of a proxy is not taken for absence either", async () => {
  const { forge } = await forgeWith({ "users/emo": { status: 404, body: "<html>" } });
  await expect(findAccount(forge, "emo", undefined, signal())).rejects.toThrow("its answer is not JSON");
});
