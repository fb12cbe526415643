/**
 * Tests the user portal on a real host: behind a sign-in, in a real browser, and from shells of users who must not
 * reach it.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BROWSER, installPackages } from "../../lab/packages.ts";
import { LAB_INGRESS_SECRET, type SignIn, startSignIn } from "../../lab/sign-in/proxy.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, ingressSecret, maps, portsOf, REMOTE, type Somebody, units } from "./host/parts.ts";
import { picture } from "./pictures.ts";

const ana: Somebody = {
  osUser: "ana_b",
  uid: 7401,
  layout: "workspace",
  repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
};
const bob: Somebody = { osUser: "bob", uid: 7402, layout: "untouched" };
const everybody = [ana, bob];
const PORT = 8901;
const NAMES = ["dev", `n "q" ü <b>'`];

const filesWith = (ofAna: { readonly parked?: true }) => [
  { path: "/etc/ttyd-user-map", text: `${ofAna.parked === true ? "" : "ana@x=ana_b\n"}bob@x=bob\n` },
  { path: "/etc/ttyd-admins", text: "# Generated\nbob\n" },
  {
    path: "/etc/t3-serve/dispatch.json",
    text: `${JSON.stringify({
      "ana@x": { os_user: "ana_b", port: portsOf(ana).t3, ...ofAna },
      "bob@x": { os_user: "bob", port: portsOf(bob).t3 },
    })}\n`,
  },
];

let host: TestHost;
let signIn: SignIn;
let browser: Browser;
const lobby = () => ({
  lobby: { listen: { address: host.vm.address, port: PORT }, origin: signIn.origin },
  ingressSecret: { header: LAB_INGRESS_SECRET.header },
  contact: "Ask wizard.",
});
beforeAll(async () => {
  await installPackages(BROWSER);
  host = await startTestHost("lobby", 15);
  signIn = await startSignIn({ host: host.vm.address, port: PORT });
  // The tests run as root, whose browser has no sandbox.
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  await host.apply(base(lobby()));
  await host.apply({ ...ingressSecret(), accepted: [LAB_INGRESS_SECRET.value] });
  await host.apply(maps(everybody, { files: filesWith({}) }));
  for (const who of everybody) for (const part of [account, clones, units]) await host.apply(part(who));
  await host.workstation("settle");
  await host.sh("for who in ana_b bob; do install -o $who -g $who /dev/null /home/$who/.zshrc; done");
  for (const name of NAMES)
    await host.sh(`tmux -u new-session -d -s "$(cat)"`, { as: "ana_b", input: name.replaceAll("#", "##") });
  await host.sh("tmux -u new-session -d -s own", { as: "bob" });
  await host.sh("tmux-persist save");
});
afterAll(async () => {
  await browser.close();
  await signIn.stop();
  await host.vm.remove();
});

const killServer = (who: Somebody) =>
  host.sh(
    `pkill -9 -u ${who.osUser} tmux; while pgrep -u ${who.osUser} -x 'tmux: server' >/dev/null; do sleep 0.1; done`,
  );
const running = async (who: Somebody) =>
  (await host.sh("tmux -u list-sessions -F '#{session_name}' 2>/dev/null || true", { as: who.osUser })).split("\n");

async function open(name: string, path = "/", options: BrowserContextOptions = {}): Promise<Page> {
  signIn.as(name);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`${signIn.origin}${path}`);
  return page;
}
const close = (page: Page) => page.context().close();
/** One person may press six times at once, and then once in ten seconds. */
const untilPressesAreFree = () => new Promise((resolve) => setTimeout(resolve, 30_000));
/** A look is kept for two seconds; what changes without the page is seen after that. */
const untilLookedAnew = () => new Promise((resolve) => setTimeout(resolve, 2500));

test("with the keyboard alone, the button brings back what a killed server held, and says so where a reader hears it", async () => {
  await killServer(ana);
  const page = await open("ana@x");
  const problems: string[] = [];
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.getByText("0 running, 2 can be restored").waitFor();
  await picture(page, "portal-desktop-light", { fullPage: true });
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("To the content");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Restore sessions");
  await page.keyboard.press("Enter");
  const status = page.getByRole("status");
  await status.getByText("Bringing back your sessions…").waitFor();
  await status.getByRole("heading", { name: "2 sessions brought back" }).waitFor();
  await picture(page, "portal-restored-light", { fullPage: true });
  expect(await status.getByRole("listitem").allTextContents()).toEqual(NAMES.map((name) => `${name} with a shell`));
  await page.getByText("2 running, 0 can be restored").waitFor();
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Restore sessions");
  expect([await running(ana), problems]).toEqual([NAMES, []]);
  await close(page);
});

test("without JavaScript the same button does the same, and pressed again it harms nothing", async () => {
  await killServer(ana);
  const page = await open("ana@x", "/", { javaScriptEnabled: false, colorScheme: "dark" });
  await picture(page, "portal-desktop-dark", { fullPage: true });
  await page.getByRole("button", { name: "Restore sessions" }).click();
  await page.getByRole("heading", { name: "2 sessions brought back" }).waitFor();
  expect(await running(ana)).toEqual(NAMES);
  await page.getByRole("button", { name: "Restore sessions" }).click();
  await page.getByRole("heading", { name: "Nothing was missing" }).waitFor();
  await close(page);
});

test("after a partial loss that was saved, the page lists the earlier record, brings back what is chosen, and forgets", async () => {
  await untilPressesAreFree();
  await host.sh("tmux-persist restore ana_b");
  await host.sh("tmux -u new-session -d -s extra; tmux -u new-session -d -s later", { as: "ana_b" });
  await host.sh("tmux-persist save");
  for (const name of ["extra", "later"]) await host.sh(`tmux -u kill-session -t =${name}`, { as: "ana_b" });
  await host.sh("tmux-persist save");
  await untilLookedAnew();
  const page = await open("ana@x", "/", { viewport: { width: 320, height: 640 } });
  await page.getByText("2 running, 0 can be restored").waitFor();
  const record = page.locator("details").filter({ hasText: "extra" }).first();
  await record.locator("summary").click();
  await picture(page, "portal-phone-light", { fullPage: true });
  expect(await record.locator("summary").textContent()).toMatch(/ago: 4 sessions, 2 can be brought back$/);
  expect(await page.evaluate(FLAWS)).toEqual([]);
  // Every box is checked; without one, nothing is done and the page says why.
  for (const name of ["extra", "later"]) await record.getByLabel(name).uncheck();
  await record.getByRole("button", { name: "Bring back", exact: true }).click();
  const status = page.getByRole("status");
  await status.getByText("No session was chosen.").waitFor();
  await record.getByLabel("later").check();
  await record.getByRole("button", { name: "Forget" }).click();
  await status.getByRole("heading", { name: "1 session forgotten" }).waitFor();
  await record.getByRole("button", { name: "Bring back", exact: true }).click();
  await status.getByRole("heading", { name: "1 session brought back" }).waitFor();
  expect(await running(ana)).toEqual(["dev", "extra", NAMES[1]]);
  await record.getByRole("button", { name: "Bring it back after all" }).click();
  await status.getByText("later with a shell").waitFor();
  expect(await running(ana)).toEqual(["dev", "extra", "later", NAMES[1]]);
  // The same without a script.
  await host.sh("tmux -u kill-session -t =later", { as: "ana_b" });
  await untilLookedAnew();
  const plain = await open("ana@x", "/", { javaScriptEnabled: false });
  const again = plain.locator("details").filter({ hasText: "later" }).first();
  await again.locator("summary").click();
  await again.getByRole("button", { name: "Forget" }).click();
  await plain.getByRole("heading", { name: "1 session forgotten" }).waitFor();
  await plain.getByRole("button", { name: "Bring it back after all" }).first().click();
  await plain.getByRole("heading", { name: "1 session brought back" }).waitFor();
  for (const name of ["extra", "later"]) await host.sh(`tmux -u kill-session -t =${name}`, { as: "ana_b" });
  await host.sh("tmux-persist save");
  await close(page);
  await close(plain);
});

test("nobody's shell on the host reaches the page or what is behind it, forged header or not", async () => {
  await killServer(ana);
  const as = (who: string, script: string) =>
    host.vm.ssh(script, { as: who, accept: Array.from({ length: 256 }, (_, code) => code) });
  const forged = `-H 'X-authentik-username: ana@x' -H 'Origin: ${signIn.origin}' -H 'Content-Type: application/json' --data '{}'`;
  const direct = await as("bob", `curl -s -m 20 ${forged} http://${host.vm.address}:${PORT}/restore`);
  expect([direct.code !== 0, direct.stdout]).toEqual([true, ""]);
  const around = await as(
    "bob",
    `curl -s -m 20 --interface 127.0.0.1 ${forged} http://${host.vm.address}:${PORT}/restore`,
  );
  expect([around.code !== 0, around.stdout]).toEqual([true, ""]);
  // And gone before anybody could ask whose connection it was.
  const lines = ["POST /restore HTTP/1.1", "Host: x", "X-authentik-username: ana@x", `Origin: ${signIn.origin}`];
  const whole = [...lines, "Content-Type: application/json", "Content-Length: 2", "", "{}"].join("\\r\\n");
  const gone = `for i in 1 2 3 4 5; do printf '${whole}' > /dev/tcp/${host.vm.address}/${PORT} && echo sent; done`;
  expect((await as("bob", `bash -c "${gone}"`)).stdout).toContain("sent");
  const socket = await as(
    "bob",
    "echo 'restore ana_b' | node -e 'process.stdin.pipe(require(\"net\").connect(\"/run/workstation-lobby-ask.sock\"))'",
  );
  expect(socket.stderr).toContain("EACCES");
  for (const command of ["tmux-restore-user ana_b", "workstation-facts ana_b", "workstation-facts --everybody"])
    expect((await as("bob", `sudo -n /usr/local/sbin/${command}`)).code).toBe(1);
  expect((await as("bob", "cat /run/workstation/me/ana_b.json")).code).toBe(1);
  // Control: root may, as the ingress may from its own machine, and neither without the secret.
  const proof = `-H '${LAB_INGRESS_SECRET.header}: ${LAB_INGRESS_SECRET.value}'`;
  const status = (more: string) =>
    host.sh(
      `curl -s -m 20 -o /dev/null -w '%{http_code}' ${more} -H 'X-authentik-username: ana@x' http://${host.vm.address}:${PORT}/`,
    );
  expect([await status(proof), await status("")]).toEqual(["200", "403"]);
  const elsewhere = `http://${host.vm.address}:${PORT}/restore`;
  const headers = { "X-authentik-username": "ana@x", Origin: signIn.origin, "Content-Type": "application/json" };
  expect((await fetch(elsewhere, { method: "POST", headers, body: "{}" })).status).toBe(403);
  expect(await host.sh("journalctl -u workstation-lobby -o cat --no-pager")).toContain(
    "uid 7402 of this host connected",
  );
  expect(await running(ana)).toEqual([""]);
});

test("whoever has signed in restores their own sessions only, whatever they send along", async () => {
  const page = await open("bob@x");
  const answer = await page.evaluate(
    `fetch("/restore?user=ana_b", { method: "POST", headers: { accept: "application/json", "content-type": "application/json", "X-authentik-username": "ana@x" }, body: '{"user":"ana_b"}' }).then((r) => r.json())`,
  );
  expect(answer).toEqual({ who: "bob", found: [{ name: "own", how: "there" }] });
  const doubled = await page.evaluate(
    `fetch("/restore", { method: "POST", headers: { "X_authentik_username": "ana@x", "content-type": "application/json" } }).then((r) => r.status)`,
  );
  // The sign-in of the lab takes look-alikes away, as a real one should; the page's own rule is tested without it.
  expect(doubled).toBe(200);
  expect(await running(ana)).toEqual([""]);
  await close(page);
});

test("another page in the same browser cannot press the button", async () => {
  const evil = createServer((_, response) => {
    const form = `<form method="post" action="${signIn.origin}/restore" target="here"><button>x</button></form><iframe name="here"></iframe>`;
    response.writeHead(200, { "content-type": "text/html" }).end(form);
  });
  evil.listen(0, "127.0.0.1");
  await once(evil, "listening");
  const page = await open("ana@x");
  await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
  const answered = page.waitForResponse(/\/restore$/);
  await page.getByRole("button").click();
  expect((await answered).status()).toBe(403);
  const quiet = `fetch("${signIn.origin}/restore", { method: "POST", mode: "no-cors", credentials: "include" })`;
  expect(await page.evaluate(`${quiet}.then(() => "answered", () => "refused")`)).toBe("refused");
  const asked = page.waitForResponse(/\/restore$/);
  await page.goto(`${signIn.origin}/restore`);
  expect((await asked).status()).toBe(405);
  expect(await running(ana)).toEqual([""]);
  evil.closeAllConnections();
  evil.close();
  await close(page);
});

/** Everything that can be pressed or read by name, and whatever is wider than the window. */
const FLAWS = `(() => {
  const flaws = [];
  const name = (e) => (e.getAttribute("aria-label") || e.textContent || "").trim();
  for (const e of document.querySelectorAll("a, button, summary, meter, section, nav, table"))
    if (name(e) === "") flaws.push("without a name: " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const id of [e.getAttribute("aria-labelledby"), e.getAttribute("aria-describedby")])
      if (id !== null && document.getElementById(id) === null) flaws.push("points nowhere: " + id);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) flaws.push("an id twice: " + ids);
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((e) => Number(e.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1 || levels[0] !== 1) flaws.push("headings: " + levels);
  for (const e of document.querySelectorAll("button, nav a, .go"))
    if (e.getBoundingClientRect().height < 44) flaws.push("too small for a thumb: " + name(e));
  if (document.documentElement.scrollWidth > innerWidth) flaws.push("wider than the window: " + document.documentElement.scrollWidth);
  if (document.documentElement.lang !== "en") flaws.push("no language");
  return flaws;
})()`;

test.each(["/", "/people"])(
  "%s can be used on a phone, by name and by landmark, and moves nothing for whoever asks for rest",
  async (path) => {
    const page = await open("bob@x", path, {
      viewport: { width: 320, height: 640 },
      reducedMotion: "reduce",
      colorScheme: "dark",
    });
    await picture(page, path === "/" ? "portal-phone-dark" : "portal-people-phone-dark", { fullPage: true });
    expect(await page.evaluate(FLAWS)).toEqual([]);
    for (const landmark of ["banner", "main", "contentinfo"] as const)
      expect(await page.getByRole(landmark).count()).toBe(1);
    expect(await page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents()).toEqual([
      "Mine",
      "Everybody",
    ]);
    const animated = await page.evaluate(
      `(() => { const s = document.createElement("span"); s.className = "spinner"; document.body.append(s); return getComputedStyle(s).animationName; })()`,
    );
    expect(animated).toBe("none");
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(15, 21, 28)");
    await close(page);
  },
);

test("the board tells admins of everybody, and the command line tells each their own", async () => {
  const page = await open("bob@x", "/people");
  await picture(page, "portal-people-light", { fullPage: true });
  const row = page.getByRole("row", { name: /^ana_b/ });
  expect(await row.textContent()).toContain("2 sessions could be restored");
  await close(page);
  signIn.as("ana@x");
  expect((await fetch(`${signIn.origin}/people`)).status).toBe(403);
  await host.sh("cd code/tripit && echo mine >> readme && git -c user.name=a -c user.email=a@b commit -qam mine", {
    as: "ana_b",
  });
  await host.sh(
    "cd /srv/work/tripit; echo new > new; git add .; git -c user.name=t -c user.email=t commit -qm new; git push -q origin master; workstation reconcile",
  );
  const told = await host.sh("ws-me", { as: "ana_b" });
  for (const line of [
    /^sessions +none$/m,
    /^not running +dev, n "q"/m,
    /^~\/code\/infra +up to date/m,
    /^~\/code\/tripit +master and its upstream have diverged/m,
    /^memory +\d+ MiB of 4 GiB$/m,
    /^ask +Ask wizard\.$/m,
  ])
    expect(told).toMatch(line);
  const json: unknown = JSON.parse(await host.sh("ws-me --json", { as: "ana_b" }));
  expect(json).toMatchObject({
    osUser: "ana_b",
    restorable: NAMES,
    ports: portsOf(ana),
    now: { sessions: { running: [] } },
  });
  expect(await host.sh("stat -c '%a %U' /run/workstation/me /run/workstation/me/*")).toBe(
    "755 root\n600 ana_b\n600 bob",
  );
});

test("whoever is parked reads it, and a button that was still open brings nothing back and says why", async () => {
  await killServer(ana);
  const page = await open("ana@x");
  await page.getByText("0 running, 2 can be restored").waitFor();
  await host.apply(maps(everybody, { files: filesWith({ parked: true }) }));
  await host.apply(units({ ...ana, state: "parked" }));
  await page.getByRole("button", { name: "Restore sessions" }).click();
  const status = page.getByRole("status");
  await status.getByRole("heading", { name: "Parked" }).waitFor();
  expect(await status.textContent()).toContain(
    "Your workstation is parked, so nothing is started in it. Ask an admin to unpark it.",
  );
  await page.reload();
  const notice = page.getByRole("region", { name: "Parked" });
  expect(await notice.textContent()).toContain("Your account and all your files are here, and nothing of yours runs.");
  expect(await page.getByRole("button").count()).toBe(0);
  expect([await running(ana), await host.sh("systemctl is-active t3-serve@ana_b || true")]).toEqual([[""], "inactive"]);
  await host.apply(maps(everybody, { files: filesWith({}) }));
  await host.apply(units(ana));
  expect(await running(ana)).toEqual(NAMES);
  await page.reload();
  expect([await notice.count(), await page.getByRole("button", { name: "Restore sessions" }).count()]).toEqual([0, 1]);
  await close(page);
});

test("sessions outlive their person's last login", async () => {
  await host.sh("tmux-persist restore ana_b");
  const user = await host.sh("loginctl show-user ana_b --property=Linger --value; systemctl is-active user@7401");
  expect(user).toBe("yes\nactive");
  expect(await running(ana)).toEqual(NAMES);
});

test("the page is its own account's, hardened, and a second delivery changes nothing; without the setting it is stopped", async () => {
  expect(
    await host.sh("systemctl show -p User,NoNewPrivileges,ProtectSystem,ProtectHome workstation-lobby | sort"),
  ).toBe("NoNewPrivileges=yes\nProtectHome=yes\nProtectSystem=strict\nUser=workstation-lobby");
  expect(await host.sh("systemd-analyze verify /etc/systemd/system/workstation-lobby* 2>&1 | grep lobby || true")).toBe(
    "",
  );
  const delivered = base(lobby());
  expect(await host.apply(delivered)).toMatchObject({ code: 0, out: ["host: nothing to change"] });
  await host.apply(base());
  expect(await host.sh("systemctl is-active workstation-lobby workstation-lobby-ask.socket || true")).toBe(
    "inactive\ninactive",
  );
});
