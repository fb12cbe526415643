/** Tests the code-server proxy on a real host: its account, the packet filter, the users' services behind it; a squatter gets nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, ingressSecret, maps, portsOf, type Somebody, units } from "./host/parts.ts";

const ana: Somebody = { osUser: "ana_b", uid: 7301, layout: "untouched" };
const bob: Somebody = { osUser: "bob", uid: 7302, layout: "untouched" };
const everybody = [ana, bob];

/** An address that other machines reach, so that the ingress has to prove itself. */
const guarded = () =>
  base({
    gate: { listen: { address: host.vm.address, port: 8900 } },
    ingressSecret: { header: "X-Ingress-Secret" },
  });
const SECRETS = ingressSecret("now", "former");
const [NOW = "", FORMER = ""] = SECRETS.accepted;
const dispatch = (parked: boolean) => ({
  path: "/etc/t3-serve/dispatch.json",
  text: `${JSON.stringify({
    "ana@x": { os_user: "ana_b", port: portsOf(ana).t3 },
    "bob@x": { os_user: "bob", port: portsOf(bob).t3, ...(parked ? { parked } : {}) },
  })}\n`,
});
const table = (parked = false) =>
  maps(everybody, {
    files: [...maps(everybody).files.slice(0, 2), dispatch(parked)],
    proxyUsers: ["workstation-gate"],
  });

let host: TestHost;
beforeAll(async () => {
  host = await startTestHost("gate", 14);
  await host.apply(guarded());
  await host.apply(SECRETS);
  await host.apply(table());
  for (const who of everybody) for (const part of [account, units]) await host.apply(part(who));
});
afterAll(() => host.vm.remove());

const FROM_INGRESS = `-H 'X-Ingress-Secret: ${NOW}'`;
const ask = (headers: string, path = "/", more = FROM_INGRESS) =>
  host.sh(
    `curl --silent --max-time 20 ${more} ${headers} --write-out '\\n%{http_code}' http://${host.vm.address}:8900${path} || true`,
  );
const statusOf = (answer: string) => answer.split("\n").at(-1);
const AS_ANA = "-H 'X-authentik-username: ana@x'";
const AS_BOB = "-H 'X-authentik-username: bob@x'";

test("each identity reaches the code server that runs as its own person", async () => {
  const ofAna = await ask(AS_ANA, "/where");
  expect(JSON.parse(ofAna.split("\n")[0] ?? "")).toMatchObject({ user: "ana_b", url: "/where" });
  expect(JSON.parse((await ask(AS_BOB)).split("\n")[0] ?? "")).toMatchObject({ user: "bob" });
  expect(statusOf(await ask(""))).toBe("403");
  expect(statusOf(await ask(`${AS_ANA} ${AS_BOB}`))).toBe("403");
  expect(statusOf(await ask("-H 'X_authentik_username: ana@x'"))).toBe("403");
  expect(await ask(AS_ANA, "/stream", `${FROM_INGRESS} --max-time 2`)).toContain('"line":1');
});

test("a request without the secret of the ingress reaches nobody's code server, and the secret is told to nobody", async () => {
  for (const proof of ["", "-H 'X-Ingress-Secret: wrong'", `${FROM_INGRESS} ${FROM_INGRESS}`])
    expect(statusOf(await ask(AS_ANA, "/where", proof))).toBe("403");
  expect(statusOf(await ask(AS_ANA, "/where", `-H 'X-Ingress-Secret: ${FORMER}'`))).toBe("200");
  const files = "/etc/workstation/gate.secret /var/lib/workstation/parts/ingress-secret.json";
  expect(await host.sh(`stat -c '%a %U %G' ${files}`)).toBe("640 root workstation-gate\n600 root root");
  expect((await host.vm.ssh(`cat ${files}`, { as: "bob", accept: [1] })).stdout).toBe("");
  // The address of another machine, as the kernel sees it: the far side of the lab's link.
  const elsewhere = await fetch(`http://${host.vm.address}:8900/where`, {
    headers: { "X-authentik-username": "ana@x" },
  });
  expect(elsewhere.status).toBe(403);
  const admitted = { "X-authentik-username": "ana@x", "X-Ingress-Secret": NOW };
  const proved = await fetch(`http://${host.vm.address}:8900/where`, { headers: admitted });
  expect([proved.status, await proved.json()]).toEqual([200, expect.objectContaining({ user: "ana_b" })]);
  const probed = JSON.parse((await host.workstation("probe bob=nobody@x ana_b=ana@x")).out.join("")) as {
    people: { gate: number }[];
  };
  expect(probed.people.map(({ gate }) => gate)).toEqual([403, 200]);
  const journal = await host.sh("journalctl --no-pager --all -o cat");
  expect(journal).toContain("its header X-Ingress-Secret is missing");
  expect([journal.includes(NOW), journal.includes(FORMER)]).toEqual([false, false]);
});

test("a rotated secret counts without a restart, and one that somebody took away comes back with the hourly run", async () => {
  const pid = await host.sh("systemctl show --value --property=MainPID workstation-gate");
  await host.apply(ingressSecret("next", "now"));
  const next = `-H 'X-Ingress-Secret: ${ingressSecret("next").accepted[0]}'`;
  expect([statusOf(await ask(AS_ANA)), statusOf(await ask(AS_ANA, "/", next))]).toEqual(["200", "200"]);
  expect(statusOf(await ask(AS_ANA, "/", `-H 'X-Ingress-Secret: ${FORMER}'`))).toBe("403");
  await host.sh("rm /etc/workstation/gate.secret");
  expect(statusOf(await ask(AS_ANA))).toBe("503");
  await host.workstation("reconcile");
  expect(statusOf(await ask(AS_ANA))).toBe("200");
  await host.apply(SECRETS);
  expect(await host.sh("systemctl show --value --property=MainPID workstation-gate")).toBe(pid);
});

test("the gate runs as an account of its own, which alone may connect to everybody's ports", async () => {
  expect(await host.sh("ps -o user:20= -C node | sort -u | grep workstation")).toBe("workstation-gate");
  const direct = await host.vm.ssh(`curl --silent http://127.0.0.1:${portsOf(ana).t3}/`, { as: "bob", accept: [7] });
  expect(direct.code).toBe(7);
  expect(
    await host.sh("systemd-analyze verify /etc/systemd/system/workstation-gate.service 2>&1 | grep gate || true"),
  ).toBe("");
});

test("somebody who is parked is kept out as soon as the table says so, and the gate is the same process", async () => {
  const pid = await host.sh("systemctl show --value --property=MainPID workstation-gate");
  await host.apply(table(true));
  const answer = await ask(AS_BOB);
  expect([statusOf(answer), answer.includes("parked")]).toEqual(["403", true]);
  await host.apply(table());
  expect(statusOf(await ask(AS_BOB))).toBe("200");
  expect(await host.sh("systemctl show --value --property=MainPID workstation-gate")).toBe(pid);
});

test("a squatter on somebody's port is sent nothing, with the packet filter or without", async () => {
  await host.sh("systemctl stop t3-serve@ana_b");
  expect(await ask(AS_ANA)).toContain("does not answer");
  const squat = `require("net").createServer((c)=>c.on("data",(d)=>require("fs").appendFileSync("/srv/squat",d))).listen(${portsOf(ana).t3},"127.0.0.1")`;
  await host.sh(
    `install -m 0666 /dev/null /srv/squat; systemd-run --quiet --collect --unit=squatter -p User=bob /usr/bin/node -e '${squat}'; sleep 1`,
  );
  expect(statusOf(await ask(AS_ANA))).toBe("502");
  await host.sh("systemctl stop workstation-ports-watch; nft delete table inet workstation");
  expect(await ask(AS_ANA)).toContain("Nothing was sent");
  // Control: the squatter does take what it is given.
  await host.sh(`curl --silent --max-time 1 http://127.0.0.1:${portsOf(ana).t3}/control || true`);
  expect(await host.sh("head -n 1 /srv/squat")).toContain("/control");
  await host.sh(
    "systemctl stop squatter; systemctl start t3-serve@ana_b workstation-ports-watch; nft -f /etc/workstation/ports.nft",
  );
  for (let tried = 0; tried < 30 && statusOf(await ask(AS_ANA)) !== "200"; tried += 1)
    await new Promise((resolve) => setTimeout(resolve, 200));
  expect(statusOf(await ask(AS_ANA))).toBe("200");
});

test("a second delivery changes nothing, other settings restart it, and without the setting it is stopped", async () => {
  await host.workstation("reconcile");
  expect(await host.apply(guarded())).toMatchObject({ code: 0, out: ["host: nothing to change"] });
  expect(await host.apply(SECRETS)).toMatchObject({ code: 0, out: ["host: nothing to change"] });
  const socket = "/run/workstation-gate/gate.sock";
  await host.apply(base({ gate: { listen: { socket } } }));
  expect(
    await host.sh(
      `sleep 1; curl --silent ${AS_ANA} --unix-socket ${socket} --output /dev/null --write-out '%{http_code}' http://gate/; stat -c ' %a %U' ${socket}`,
    ),
  ).toBe("200 660 workstation-gate");
  expect(
    (await host.vm.ssh(`curl --silent --unix-socket ${socket} http://gate/`, { as: "bob", accept: [7] })).code,
  ).toBe(7);
  expect(await host.sh("ls /etc/workstation/gate.secret /var/lib/workstation/parts/ingress-secret.json || true")).toBe(
    "",
  );
  await host.apply(base());
  expect(await host.sh("systemctl is-active workstation-gate || true")).toBe("inactive");
});
