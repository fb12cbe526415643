/** Which containers of an engine are reported for an account, asked of a server that speaks the engine's API. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ContainerDetails, containersOf, reasonOf } from "../../../../agent/root/accounts/containers.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const emo = { name: "emo", uid: 2000, gid: 2000, home: "/home/emo", shell: "/bin/zsh" };
const ID = "0123456789abcdef0123456789abcdef";

const container = (over: Partial<ContainerDetails> = {}): ContainerDetails => ({
  ...{ Id: ID, Name: "/web", Created: "2026-11-01T10:00:00Z", State: { Running: true }, Config: { User: "" } },
  ...{ HostConfig: { Privileged: false, PidMode: "", CapAdd: null, RestartPolicy: { Name: "no" } }, Mounts: [] },
  ...over,
});
const mounting = (Source: string) => container({ Mounts: [{ Source }] });
const hosted = (over: Partial<ContainerDetails["HostConfig"]>) =>
  container({ HostConfig: { ...container().HostConfig, ...over } });

describe("the reason to report a container", () => {
  test.each<[string, ContainerDetails, string]>([
    ["the home", mounting("/home/emo"), "mounts /home/emo"],
    ["a folder of the home", mounting("/home/emo/data"), "mounts /home/emo/data"],
    ["their uid", container({ Config: { User: "2000:100" } }), "runs as uid 2000"],
    [
      "their uid, stopped but to be restarted",
      { ...hosted({ RestartPolicy: { Name: "always" } }), Config: { User: "2000" }, State: { Running: false } },
      "runs as uid 2000",
    ],
  ])("is %s, whether they were an admin or not", (_, one, why) => {
    expect([true, false].map((hadEngine) => reasonOf(one, emo, hadEngine))).toEqual([
      { why, isTheirs: true },
      { why, isTheirs: true },
    ]);
  });

  test.each<[string, ContainerDetails, string]>([
    ["privileges", hosted({ Privileged: true }), "is privileged"],
    ["the host's processes", hosted({ PidMode: "host" }), "sees the host's processes"],
    ["the whole disk", mounting("/"), "mounts /"],
    ["all homes", mounting("/home"), "mounts /home"],
    ["the engine itself", mounting("/var/run/docker.sock"), "mounts /var/run/docker.sock"],
    ["a folder of sudo's rules", mounting("/etc/sudoers.d"), "mounts /etc/sudoers.d"],
    ["root's keys", mounting("/root/.ssh"), "mounts /root/.ssh"],
    ["a disk", hosted({ Devices: [{ PathOnHost: "/dev/sda" }] }), "has the device /dev/sda"],
    ["a capability", hosted({ CapAdd: ["CAP_SYS_ADMIN"] }), "has the capability CAP_SYS_ADMIN"],
  ])("is %s for a former admin alone, and then its creator is not known", (_, one, why) => {
    expect([true, false].map((hadEngine) => reasonOf(one, emo, hadEngine))).toEqual([
      { why, isTheirs: false },
      undefined,
    ]);
  });

  test.each<[string, ContainerDetails]>([
    ["another home", mounting("/home/emory")],
    ["a file of /etc that it only reads", container({ Mounts: [{ Source: "/etc/localtime", RW: false }] })],
    ["a harmless device", hosted({ Devices: [{ PathOnHost: "/dev/fuse" }] })],
    ["an ordinary container", hosted({ CapAdd: ["CAP_NET_BIND_SERVICE"] })],
    ["one that is stopped for good", { ...mounting("/home/emo"), State: { Running: false } }],
  ])("is not %s", (_, one) => {
    expect(reasonOf(one, emo, true)).toBeUndefined();
  });
});

describe("an engine", () => {
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  const socket = join(folder, "engine.sock");
  const answers = new Map<string, { readonly status: number; readonly text: string }>();
  let server: Server;
  beforeAll(async () => {
    server = createServer((asked, answer) => {
      const { status, text } = answers.get(asked.url ?? "") ?? { status: 404, text: "{}" };
      answer.writeHead(status).end(text);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const list = "/containers/json?all=true";
  const reply = (path: string, value: unknown, status = 200) =>
    answers.set(path, { status, text: typeof value === "string" ? value : JSON.stringify(value) });
  beforeEach(() => {
    answers.clear();
    reply(list, [{ Id: ID }]);
    reply(`/containers/${ID}/json`, mounting("/home/emo"));
  });

  const ask = (service = "LoadState=loaded\nActiveState=active\n", isThere = true) => {
    const { sys, files } = memoryDoor();
    if (isThere) files.set(socket, "");
    const run = async (argv: readonly string[]) => ({
      ...{ argv, code: 0, stdout: service, stderr: "", timedOut: false, overflowed: false },
    });
    const engines = [{ name: "docker", socket, service: "docker.service" }];
    return containersOf(machineOf({ ...sys, run }), emo, false, engines);
  };

  test("is asked for each container", async () => {
    expect(await ask()).toEqual([
      {
        ...{ engine: "docker", id: ID.slice(0, 12), name: "web", created: "2026-11-01T10:00:00Z" },
        ...{ why: "mounts /home/emo", isTheirs: true },
      },
    ]);
  });

  test("that is not installed has none", async () => {
    expect(await ask("", false)).toEqual([]);
  });

  test("that is stopped is not started by the question: its containers are unknown", async () => {
    expect(await ask("LoadState=loaded\nActiveState=inactive\n")).toBeNull();
  });

  test("may remove a container while it is asked", async () => {
    answers.delete(`/containers/${ID}/json`);
    expect(await ask()).toEqual([]);
  });

  test.each<[string, () => void]>([
    ["an error instead of the list", () => reply(list, {}, 500)],
    ["a list of another form", () => reply(list, { containers: [] })],
    ["an id that is a path", () => reply(list, [{ Id: "../../info" }])],
    ["a container of another form", () => reply(`/containers/${ID}/json`, { Id: ID })],
    ["no JSON", () => reply(`/containers/${ID}/json`, "<html>")],
  ])("that answers with %s leaves its containers unknown", async (_, prepare) => {
    prepare();
    expect(await ask()).toBeNull();
  });
});
