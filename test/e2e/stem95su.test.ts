/** The site on the lab's real cluster: its pods as admission lets them in, its sync as the CronJob's own pod, its visitors. */

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stem95su } from "../../components/stem95su/site.ts";
import { stem95su } from "../../config/settings/stem95su.ts";
import { syncOf } from "../../cli/board/stem95su-site.ts";
import type { KubeCall } from "../../clients/kubernetes/client.ts";
import { declared, only } from "../components/cluster/declared.ts";
import { collectionOf, eventually } from "./cluster/api.ts";
import { FOLDER, pageName, pageNames, pages } from "./stem95su/sync-fixture.ts";
import { hasEsoCrd, type House, NAMESPACE, openHouse, SETTINGS, type Visit } from "./stem95su/site-in-cluster.ts";

let house: House;
/** What a visitor should find; each test leaves it true. */
let site: Record<string, string> = {};

let firstUp = "";

beforeAll(async () => {
  house = await openHouse(16);
  firstUp = await house.apply();
});
afterAll(() => house?.close());

const fill = (files: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(files)) house.drive.tree.put(`${FOLDER}/${name}`, text);
};
const take = (...names: readonly string[]) => {
  for (const name of names) house.drive.tree.remove(`${FOLDER}/${name}`);
};

/** Every page of `site` as visitors get it, and nothing of what is gone. */
async function siteIsServed(gone: readonly string[] = []): Promise<void> {
  const replies = await house.get(Object.keys(site));
  expect(replies.map(({ status }) => status)).toEqual(Object.keys(site).map(() => 200));
  expect(replies.map(({ text }) => text)).toEqual(Object.values(site));
  expect((await house.get(gone)).map(({ status }) => status)).toEqual(gone.map(() => 404));
}

/** Each answer is a whole page of the old or the new state, and whoever has seen the new one never meets the old again. */
function neverHalf(visits: readonly Visit[], before: Record<string, string>, after: Record<string, string>): void {
  expect(visits.length).toBeGreaterThan(50);
  expect(visits.filter(({ status }) => status !== 200)).toEqual([]);
  const states = visits.map(({ path, text }) =>
    text === after[path] ? "new" : text === before[path] ? "old" : "neither",
  );
  expect(states.lastIndexOf("old")).toBeLessThan(states.includes("new") ? states.indexOf("new") : states.length);
  expect(states).not.toContain("neither");
}

/** What the board says of the site's sync, asked of the real cluster. */
const onBoard = async () => {
  const call: KubeCall = async (method, path) => {
    const { status, body } = await house.cluster.admin(method, path);
    return { status, value: body as unknown };
  };
  const { findings } = await syncOf(call, NAMESPACE);
  return findings.map(({ state, what }) => `${state} ${what}`);
};

/** As the tests leave it once the first sync has run. */
const SUSPENDED = "changed the sync: is suspended, so nothing is fetched";

const webPod = async () => {
  const { body } = await house.cluster.admin(
    "GET",
    `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=app.kubernetes.io%2Fcomponent%3Dweb`,
  );
  return body.items[0];
};

test("the engine makes the whole site in one run, a second run changes nothing, and nothing secret is said", async () => {
  expect(firstUp).toMatch(/1[0-9] created/);
  const preview = await house.stack.pulumi(["preview", "--diff"], SETTINGS);
  expect(preview).toMatchObject({ code: 0, output: expect.stringMatching(/1[0-9] unchanged/) });
  const key =
    /"client-key-data": "([^"]+)"/.exec(await readFile(house.cluster.adminKubeconfig, "utf8"))?.[1] ?? "no key";
  const everything = firstUp + preview.output + (await house.stack.state());
  expect(everything).not.toContain(key);
  expect(everything).not.toMatch(/"?rclone_conf"?: "?\[/);
});

test("a site that vanished from the program is not taken down: namespace and volume are protected", async () => {
  const done = await house.stack.pulumi(["destroy"], SETTINGS);
  expect(done.code).not.toBe(0);
  expect(done.output).toContain("is protected");
  await house.kubectl("-n", NAMESPACE, "get", "pvc/content", "deployment/web");
  await house.apply();
});

test("before the first sync the web server is ready and says that the site is still to come", async () => {
  await house.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=90s");
  // The Service's rules come a moment after the pod is ready.
  const [reply] = await eventually("an answer", () => house.get(["stem_board.html"]).catch(() => undefined));
  expect(reply).toMatchObject({
    status: 503,
    text: "This site has not been fetched yet. Please come back in ten minutes.\n",
  });
  expect(reply?.headers["retry-after"]).toBe("600");
  expect(await onBoard()).toEqual(["pending the sync: no run has ended yet"]);
});

test("the API server takes the ExternalSecret by External Secrets' own schema, and refuses a broken one", async ({
  skip,
}) => {
  if (!(await hasEsoCrd())) return skip("External Secrets' definitions are not beside this project");
  const path = `/apis/external-secrets.io/v1/namespaces/${NAMESPACE}/externalsecrets`;
  const { body } = await house.cluster.admin("GET", `${path}/stem95su-rclone`);
  expect(body.spec).toMatchObject({
    refreshInterval: "1h",
    secretStoreRef: { kind: "ClusterSecretStore", name: "vault-kv" },
    target: { name: "stem95su-rclone", creationPolicy: "Owner", deletionPolicy: "Retain" },
    data: [{ remoteRef: { property: "rclone_conf" } }],
  });
  const broken = { ...body, metadata: { name: "broken" }, spec: { ...body.spec, target: { deletionPolicy: "Never" } } };
  expect(await house.cluster.admin("POST", path, broken)).toMatchObject({ status: 422 });
});

test("a pod that asks for less security than Pod Security's restricted profile is refused in this namespace", async () => {
  const pod = { metadata: { name: "naive" }, spec: { containers: [{ name: "naive", image: "nginx" }] } };
  const refused = await house.cluster.admin("POST", `/api/v1/namespaces/${NAMESPACE}/pods`, pod);
  expect(refused.status).toBe(403);
  expect(refused.body.message).toContain('violates PodSecurity "restricted:latest"');
});

test("the CronJob's own pod, started by its own schedule, makes the first sync", async () => {
  fill(pages(40));
  await house.giveSecret(house.drive.rcloneConf(house.cluster.instance.address.host));
  await house.apply({ schedule: "* * * * *" });
  const cronJob = ["-n", NAMESPACE, "cronjob/stem95su-gdrive-sync"] as const;
  await house.kubectl("wait", ...cronJob, "--for=jsonpath={.status.lastSuccessfulTime}", "--timeout=110s");
  await house.apply();
  // From here on the test says when a run begins.
  expect(await onBoard()).toEqual([]);
  // What kubectl writes under its own name the next update of the CronJob takes back.
  await house.kubectl("patch", ...cronJob, "--field-manager=by-hand", "--patch", '{"spec":{"suspend":true}}');
  expect(await onBoard()).toEqual([SUSPENDED]);
  site = pages(40);
  await siteIsServed();
  const { body } = await house.cluster.admin(
    "GET",
    `/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs/stem95su-gdrive-sync`,
  );
  expect(body.spec).toMatchObject({ schedule: "*/10 * * * *", concurrencyPolicy: "Forbid" });
  expect(body.spec.jobTemplate.spec.template.spec.containers[0].image).toBe("rclone/rclone:1.74.3");
}, 180_000);

test("the site has its board as its front page, tells browsers to ask again, and hides dotfiles", async () => {
  const [front, dotfile, outside] = await house.get(["", ".lock", "..%2f..%2fmetrics/metrics"]);
  expect(front).toMatchObject({
    status: 200,
    text: "the board",
    headers: { "cache-control": "no-cache", "content-type": "text/html; charset=utf-8" },
  });
  expect([dotfile?.status, outside?.status]).toEqual([404, 400]);
});

test("the web server cannot write: not the volume, not its own file system, and it is nobody", async () => {
  const name = (await webPod()).metadata.name;
  const inPod = (script: string) =>
    house.kubectl("-n", NAMESPACE, "exec", name, "--", "/bin/sh", "-c", `${script} 2>&1 || true`);
  expect((await inPod("touch /srv/content/x")).stdout).toContain("Read-only file system");
  expect((await inPod("touch /usr/x")).stdout).toContain("Read-only file system");
  expect((await inPod("id -u")).stdout).toBe("10096\n");
  expect((await inPod("grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '")).stdout).toBe(
    "CapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n",
  );
  expect((await inPod("ls /var/run/secrets/kubernetes.io")).stdout).toContain("No such file");
});

test("a run without changes changes nothing", async () => {
  expect(await house.sync()).toMatchObject({
    outcome: "Complete",
    log: `UNCHANGED: the site equals 'gdrive:${FOLDER}'.\n`,
  });
  await siteIsServed();
});

test("25 deletions, a change and a new file arrive together, and no visitor meets a half state meanwhile", async () => {
  const watched = [pageName(30), "stem_board.html", pageName(39)];
  const before = { ...site };
  const visitor = await house.visitor(watched);
  take(...pageNames(1, 25));
  const changes = Object.fromEntries([...watched, "new.html"].map((name) => [name, `${name}, rewritten`]));
  fill(changes);
  expect(await house.sync()).toMatchObject({ outcome: "Complete", log: "PUBLISHED: 1 new, 3 changed, 25 gone.\n" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  site = {
    ...Object.fromEntries(Object.entries(site).filter(([name]) => !pageNames(1, 25).includes(name))),
    ...changes,
  };
  const visits = await visitor.stop();
  neverHalf(visits, before, site);
  expect(visits.some(({ path, text }) => text === site[path])).toBe(true);
  await siteIsServed(pageNames(1, 25));
});

test("26 deletions: none is made, the job fails, and its pod says how many", async () => {
  fill(pages(40));
  expect(await house.sync()).toMatchObject({ outcome: "Complete" });
  site = { ...pages(40), "new.html": "new.html, rewritten" };
  take(...pageNames(1, 26));
  const ended = await house.sync();
  expect(ended.outcome).toBe("Failed");
  expect(ended.message).toContain("FAILED: 26 files of the site are missing or empty");
  expect(ended.message).toContain("set workstation:stem95su.confirmDeletions to 26");
  expect(await onBoard()).toEqual([
    SUSPENDED,
    expect.stringMatching(/^failed the sync: by-hand-\d+: FAILED: 26 files .*\.confirmDeletions to 26;/),
  ]);
  const described = await house.kubectl(
    ...["-n", NAMESPACE, "describe", "pod", "-l", "app.kubernetes.io/component=sync"],
  );
  expect(described.stdout).toContain("FAILED: 26 files of the site");
  await siteIsServed();
});

test("the confirmed number releases the brake", async () => {
  await house.apply({ confirmDeletions: 26 });
  expect(await house.sync()).toMatchObject({ outcome: "Complete", log: "PUBLISHED: 0 new, 0 changed, 26 gone.\n" });
  expect(await onBoard()).toEqual([SUSPENDED]);
  await house.apply();
  for (const name of pageNames(1, 26)) delete site[name];
  await siteIsServed(pageNames(1, 26));
});

test("an expired token fails the job, and its pod names the remedy", async () => {
  house.drive.troubles.expired = true;
  const ended = await house.sync();
  house.drive.troubles.expired = false;
  expect(ended.outcome).toBe("Failed");
  expect(ended.message).toContain("publish the app to Production");
  expect(ended.log).not.toMatch(/lab-secret|lab-refresh/);
  await siteIsServed();
});

test("a folder that is empty, or lists no board, skips the run and leaves the site", async () => {
  take("stem_board.html");
  expect(await house.sync()).toMatchObject({ outcome: "Complete", log: expect.stringContaining("SKIPPED") });
  expect(await onBoard()).toEqual([
    SUSPENDED,
    expect.stringMatching(/^failed the sync: by-hand-\d+: SKIPPED: .* lists no stem_board\.html/),
  ]);
  await siteIsServed();
  const rest = Object.keys(site).filter((name) => name !== "stem_board.html");
  take(...rest);
  expect(await house.sync()).toMatchObject({
    outcome: "Complete",
    log: expect.stringContaining("lists no file at all"),
  });
  await siteIsServed();
  fill(site);
});

test("a file that changes during the sync is not published half, and the next run has it", async () => {
  fill({ [pageName(30)]: "rewritten again" });
  house.drive.troubles.changesUnderway = /page-030/;
  expect(await house.sync()).toMatchObject({
    outcome: "Failed",
    message: expect.stringContaining("corrupted on transfer"),
  });
  await siteIsServed();
  house.drive.troubles.changesUnderway = undefined;
  expect(await house.sync()).toMatchObject({ outcome: "Complete" });
  site[pageName(30)] = "rewritten again";
  await siteIsServed();
});

test("a pod killed in the middle leaves the site whole for every visitor, and the next run repairs it", async () => {
  const watched = [pageName(27), pageName(33), "stem_board.html"];
  const before = { ...site };
  const changes = Object.fromEntries(Object.keys(pages(40)).map((name) => [name, `${name}, third state`]));
  fill(changes);
  house.drive.troubles.downloadMs = 1_000;
  const downloads = () => house.drive.requests.filter((request) => /\/files\/id-\d+$/.test(request)).length;
  const from = downloads();
  const visitor = await house.visitor(watched);
  const job = await house.startSync();
  while (downloads() < from + 6) await new Promise((resolve) => setTimeout(resolve, 50));
  // However long the node takes to kill it, this run does not come to its end; nor does the next one meet it alive.
  house.drive.troubles.downloadMs = 120_000;
  await house.kubectl("-n", NAMESPACE, "delete", "pod", "-l", `job-name=${job}`, "--grace-period=0", "--force");
  expect((await house.endOf(job)).outcome).toBe("Failed");
  await house.onNode("flock", "--timeout", "60", `${house.volume}/.lock`, "true");
  house.drive.troubles.downloadMs = 0;
  const half = await visitor.stop();
  neverHalf(half, before, before);
  expect((await house.onNode("ls", `${house.volume}/next`)).stdout).toContain("stem_board.html");

  expect(await house.sync()).toMatchObject({ outcome: "Complete" });
  site = { ...site, ...changes };
  await siteIsServed();
});

test("a full volume keeps the old site and the job says so", async () => {
  fill({ "film.html": "x".repeat(20 << 20), [pageName(30)]: "fourth state" });
  const ended = await house.sync();
  expect(ended.outcome).toBe("Failed");
  expect(ended.message).toContain("FAILED: The content volume is full");
  expect(ended.message).toContain("workstation:stem95su.volumeSize");
  await siteIsServed(["film.html"]);
  take("film.html");
  expect(await house.sync()).toMatchObject({ outcome: "Complete" });
  site[pageName(30)] = "fourth state";
  await siteIsServed();
});

test("the age of the last good sync can be asked for inside the cluster, and not by visitors", async () => {
  const { podIP } = (await webPod()).status;
  const [metrics] = await house.get(["metrics"], `${podIP}:8081`);
  expect(metrics?.text).toMatch(/^stem95su_last_good_sync_timestamp_seconds \d{10}$/m);
  const [visitors] = await house.get(["metrics"]);
  expect(visitors?.status).toBe(404);
});

test("a link in the content leads nobody out of it", async () => {
  await house.onNode("ln", "-s", "/etc/passwd", `${house.volume}/current/leak.html`);
  const inPod = await house.kubectl(
    "-n",
    NAMESPACE,
    "exec",
    "deploy/web",
    "--",
    "cat",
    "/srv/content/current/leak.html",
  );
  expect(inPod.stdout).toContain("nginx:x:"); // it does lead there
  expect(await house.get(["leak.html"])).toMatchObject([{ status: 404 }]);
  await house.onNode("rm", `${house.volume}/current/leak.html`);
});

test("applied again and again meanwhile, the web server was never restarted for nothing", async () => {
  const { body } = await house.cluster.admin("GET", `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/web`);
  expect(body.status).toMatchObject({ replicas: 1, observedGeneration: 1 });
});

test("the API server takes the objects of a site that is spread over nodes", async () => {
  const settings = stem95su.parse({ host: "stem95su.example.org", accessMode: "ReadWriteMany", tlsSecret: "wildcard" });
  const spread = await declared(() => void new Stem95su("stem95su", settings));
  const answers = [];
  for (const [kind, path] of [
    ["Deployment", "apps/v1"],
    ["PodDisruptionBudget", "policy/v1"],
    ["Ingress", "networking.k8s.io/v1"],
  ] as const) {
    const at = `${collectionOf(path, kind, NAMESPACE)}/web?fieldManager=workstation&force=true&dryRun=All`;
    const { inputs } = only(spread, kind, "web");
    answers.push(
      (await house.cluster.admin("PATCH", at, { apiVersion: path, kind, ...inputs }, "application/apply-patch+yaml"))
        .status,
    );
  }
  expect(answers).toEqual([200, 201, 200]);
});

test("in all this nothing was written to the Drive", () => {
  const verbs = house.drive.requests.filter((request) => !request.endsWith("/token")).map((it) => it.split(" ")[0]);
  expect([...new Set(verbs)]).toEqual(["GET"]);
  expect(verbs.length).toBeGreaterThan(300);
});
