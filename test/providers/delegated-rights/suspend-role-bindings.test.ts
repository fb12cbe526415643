/** Rights that were given in a kept namespace: suspended and given back exactly, against an API server in memory. */

import { expect, test } from "vitest";
import { OWN_BINDINGS } from "../../../components/cluster/names.ts";
import { DEPLOYER_ROLE } from "../../../components/cluster/tier-rights.ts";
import { SUSPENDED } from "../../../providers/delegated-rights/role-binding-client.ts";
import { namespaceRights } from "../../../providers/delegated-rights/suspend-role-bindings.ts";
import type { Call } from "../../../providers/runtime/provider.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { KubeCall } from "../../../clients/kubernetes/client.ts";
import { NOBODY } from "../../../roster/object-names.ts";

interface Stored {
  metadata: { name: string; resourceVersion: string; annotations?: Record<string, string> };
  subjects?: object[];
}

const robot = { kind: "ServiceAccount", name: "robot", namespace: "shop" };
const friend = { kind: "User", name: "friend@x", apiGroup: "rbac.authorization.k8s.io" };
const OWN = [...OWN_BINDINGS];
const call = { signal: AbortSignal.timeout(60_000), log: { warning: () => undefined } } as unknown as Call;

/** Merge patches, versions and nothing else of an API server. */
function server(bindings: Record<string, object[]>) {
  const live = new Map<string, Stored>(
    Object.entries(bindings).map(([name, subjects]) => [name, { metadata: { name, resourceVersion: "1" }, subjects }]),
  );
  const writes: string[] = [];
  const kube: KubeCall = async (method, path, body) => {
    if (method === "GET") return { status: 200, value: structuredClone({ items: [...live.values()] }) };
    const name = path.split("/").at(-1) ?? "";
    const is = live.get(name);
    const patch = body as {
      metadata: { resourceVersion: string; annotations: Record<string, string | null> };
      subjects: object[];
    };
    if (is === undefined) return { status: 404, value: {} };
    if (patch.metadata.resourceVersion !== is.metadata.resourceVersion) return { status: 409, value: {} };
    const marks = Object.entries({ ...is.metadata.annotations, ...patch.metadata.annotations });
    const annotations = Object.fromEntries(marks.flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
    const resourceVersion = String(Number(is.metadata.resourceVersion) + 1);
    live.set(name, { metadata: { name, resourceVersion, annotations }, subjects: patch.subjects });
    writes.push(name);
    return { status: 200, value: {} };
  };
  const subjects = () => Object.fromEntries([...live].map(([name, one]) => [name, one.subjects]));
  return { live, writes, subjects, room: namespaceRights(() => kube) };
}

const inputs = (suspended: boolean): PropertyMap => ({ namespace: "shop", suspended, own: OWN, nobody: NOBODY });
const nobody = { kind: "User", name: NOBODY };
const PLANTED = { owner: [], robots: [robot, friend], empty: [], emptied: [nobody], [DEPLOYER_ROLE]: [] };

test("whatever gives a right there is emptied, remembers to whom, and is given back exactly; twice", async () => {
  const { room: type, subjects, live } = server(PLANTED);
  let { state } = await type.create({ inputs: inputs(false), preview: false } as never, call);
  for (let generation = 1; generation <= 2; generation += 1) {
    state = (await type.update?.({ id: "shop", state, inputs: inputs(true), preview: false } as never, call)) ?? {};
    expect([subjects(), state.bindings]).toEqual([{ ...PLANTED, robots: [] }, ["robots"]]);
    state = (await type.update?.({ id: "shop", state, inputs: inputs(false), preview: false } as never, call)) ?? {};
    expect([subjects(), state.bindings, live.get("robots")?.metadata.annotations]).toEqual([PLANTED, [], {}]);
  }
});

test("the program's own bindings are the official provider's: they are left as they are", async () => {
  const { room: type, writes } = server({ owner: [friend], [DEPLOYER_ROLE]: [robot] });
  await type.create({ inputs: inputs(true), preview: false } as never, call);
  expect(writes).toEqual([]);
});

test("a binding with a name that an earlier version used is suspended as any other", async () => {
  const { room: type, subjects } = server({ owner: [], dashboard: [robot], deployer: [friend] });
  await type.create({ inputs: inputs(true), preview: false } as never, call);
  expect(subjects()).toEqual({ owner: [], dashboard: [], deployer: [] });
});

test("doing it again writes nothing, and whom somebody has let in meanwhile stays in", async () => {
  const { room: type, live, writes, subjects } = server({ robots: [robot] });
  const { state } = await type.create({ inputs: inputs(true), preview: false } as never, call);
  await type.update?.({ id: "shop", state, inputs: inputs(true), preview: false } as never, call);
  expect(writes).toEqual(["robots"]);
  const robots = live.get("robots");
  if (robots !== undefined) live.set("robots", { ...robots, subjects: [friend] });
  await type.delete({ id: "shop", state } as never, call);
  expect(subjects()).toEqual({ robots: [robot, friend] });
});

test("a preview writes nothing", async () => {
  const { room: type, writes } = server(PLANTED);
  await type.create({ inputs: inputs(true), preview: true } as never, call);
  expect(writes).toEqual([]);
});

test("a damaged memory is told and never taken for nobody", async () => {
  const { room: type, live } = server({ robots: [] });
  live.set("robots", { metadata: { name: "robots", resourceVersion: "1", annotations: { [SUSPENDED]: "[{" } } });
  await expect(type.create({ inputs: inputs(false), preview: false } as never, call)).rejects.toThrow(
    "RoleBinding robots: its annotation workstation/suspended-subjects is damaged",
  );
});

test("a list that is cut short is no list", async () => {
  const kube: KubeCall = async () => ({ status: 200, value: { items: [], metadata: { continue: "more" } } });
  const create = namespaceRights(() => kube).create({ inputs: inputs(true), preview: false } as never, call);
  await expect(create).rejects.toThrow("cannot be read as a whole");
});
