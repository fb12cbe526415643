/**
 * Tests terminals in the browser on a real host: opened by a click, typed into, resized, shared by two tabs, dropped and
 * connected again, brought back after their tmux server was killed; and that nobody else's terminal can be had.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BROWSER, installPackages } from "../../lab/packages.ts";
import { LAB_INGRESS_SECRET, type SignIn, startSignIn } from "../../lab/sign-in/proxy.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, ingressSecret, maps, portsOf, type Somebody, units } from "./host/parts.ts";
import { keepText, picture } from "./pictures.ts";

const ana: Somebody = { osUser: "ana_b", uid: 7501, layout: "untouched" };
const bob: Somebody = { osUser: "bob", uid: 7502, layout: "untouched" };
const everybody = [ana, bob];
const PORT = 8901;

type Table = Readonly<Record<string, object>>;
const OF_ANA = { os_user: "ana_b", port: portsOf(ana).t3 };
const OF_BOB = { "bob@x": { os_user: "bob", port: portsOf(bob).t3 } };
const filesWith = (table: Table) => [
  { path: "/etc/ttyd-user-map", text: "ana@x=ana_b\nbob@x=bob\n" },
  { path: "/etc/ttyd-admins", text: "bob\n" },
  { path: "/etc/t3-serve/dispatch.json", text: `${JSON.stringify(table)}\n` },
];
const atWork = () => maps(everybody, { files: filesWith({ "ana@x": OF_ANA, ...OF_BOB }) });

let host: TestHost;
let signIn: SignIn;
let browser: Browser;
const lobby = () => ({
  lobby: { listen: { address: host.vm.address, port: PORT }, origin: signIn.origin },
  ingressSecret: { header: LAB_INGRESS_SECRET.header },
});
beforeAll(async () => {
  await installPackages(BROWSER);
  host = await startTestHost("terminal", 16);
  signIn = await startSignIn({ host: host.vm.address, port: PORT });
  // The tests run as root, whose browser has no sandbox.
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  await host.apply(base(lobby()));
  await host.apply({ ...ingressSecret(), accepted: [LAB_INGRESS_SECRET.value] });
  await host.apply(atWork());
  for (const who of everybody) for (const part of [account, units]) await host.apply(part(who));
  await host.sh("for who in ana_b bob; do install -o $who -g $who /dev/null /home/$who/.zshrc; done");
  await host.sh("printf 'set -g default-command \"sh\"\\nset -g status-interval 1\\n' > ~/.tmux.conf", { as: "ana_b" });
  await host.sh("tmux -u new-session -d -s dev", { as: "ana_b" });
  await host.sh("tmux -u new-session -d -s own", { as: "bob" });
  await host.sh("tmux-persist save");
});
// A terminal that a failed test has left open would count in the next one.
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});
afterAll(async () => {
  await browser.close();
  await signIn.stop();
  await host.vm.remove();
});

async function open(path = "/", options: BrowserContextOptions = {}, name = "ana@x"): Promise<Page> {
  signIn.as(name);
  const context = await browser.newContext({ viewport: { width: 1000, height: 600 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${signIn.origin}${path}`);
  return page;
}
const close = (page: Page) => page.context().close();
const TERMINAL = "/terminal?session=dev";
const state = (page: Page) => page.getByRole("status");
const is = (page: Page, text: string) => state(page).getByText(text, { exact: true }).waitFor();
const attached = (page: Page) => is(page, "Connected");
const shows = (page: Page, text: string) => page.locator(".xterm-rows").getByText(text).first().waitFor();
const type = async (page: Page, text: string) => {
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
};
const tmux = (command: string, as = "ana_b") => host.sh(`tmux -u ${command}`, { as });
const pane = () => tmux("capture-pane -p -t =dev:");
/** What was printed before is gone, so that what is typed now stays to be seen. */
const cleared = () => until(pane, (text) => text.trim() === "");
const sizes = async () => (await tmux("list-clients -F '#{client_width}x#{client_height}'")).split("\n");

async function until<T>(look: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  for (let tried = 0; ; tried += 1) {
    const found = await look();
    if (holds(found) || tried > 100) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Records what a page shows of a terminal, step by step. */
function recording(name: string) {
  const steps: string[] = [];
  return {
    async step(title: string, page: Page) {
      const rows = (await page.locator(".xterm-rows > div").allInnerTexts())
        .map((row) => row.trimEnd())
        .join("\n")
        .replaceAll(/\n{3,}/g, "\n\n")
        .trim();
      steps.push(`== ${title}\n[${(await state(page).innerText()).trim()}]\n${rows}\n`);
    },
    end: () => keepText(name, steps.join("\n")),
  };
}

test("one click on a session opens it; what is typed runs, in UTF-8, and the policy of the page is kept", async () => {
  const page = await open();
  const problems: string[] = [];
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.getByRole("link", { name: "dev", exact: true }).click();
  await attached(page);
  await type(page, "printf 'für %s\\n' \"$(id -un)\" 漢字");
  await shows(page, "für ana_b");
  await shows(page, "für 漢字");
  await until(pane, (text) => text.includes("für 漢字"));
  await type(page, "printf '\\033[38;2;1;99;2mgreen\\033[0m \\033[30;42mon green\\033[0m\\n'");
  const spans = `[...document.querySelectorAll(".xterm-rows span")]`;
  const isGreen = `(e) => e.textContent === "green" && getComputedStyle(e).color === "rgb(1, 99, 2)"`;
  // Not `waitForFunction`: where it has to wait, the page's policy refuses the text that it evaluates.
  expect(await until(() => page.evaluate(`${spans}.some(${isGreen})`), Boolean)).toBe(true);
  await picture(page, "terminal-desktop-light");
  expect(problems).toEqual([]);
  await close(page);
});

test("the window's size is the program's, and the mouse and the keys of an application reach it", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  const [before = ""] = await sizes();
  await page.setViewportSize({ width: 1300, height: 800 });
  const [after = ""] = await until(sizes, ([now]) => now !== before);
  const width = (size: string) => Number(size.split("x")[0]);
  expect([width(after) > width(before), width(after) > 120]).toEqual([true, true]);
  await type(page, "clear; stty size");
  await shows(page, String(width(after)));
  await type(page, "clear; printf '\\033[?1000h\\033[?1006h'; cat -v");
  await page.locator(".xterm.enable-mouse-events").waitFor();
  await page.locator(".xterm-screen").click({ position: { x: 100, y: 100 } });
  await shows(page, "^[[<0;");
  await page.keyboard.press("ArrowUp");
  await shows(page, "^[[A");
  await page.keyboard.press("Control+C");
  await type(page, "clear; printf '\\033[?1000l\\033[?1006l'; echo mouse-$((1 + 0))-off");
  // What is typed and not yet sent goes with the page, and half of a line would be left in the shell.
  await shows(page, "mouse-1-off");
  await close(page);
});

test("two tabs show the same session, and one that is closed leaves the other and the program alone", async () => {
  const [one, two] = [await open(TERMINAL), await open(TERMINAL)];
  await Promise.all([attached(one), attached(two)]);
  await type(one, "clear; echo from-$((40 + 2))");
  await shows(two, "from-42");
  await close(one);
  await until(sizes, (all) => all.length === 1);
  await type(two, "echo still-$((1 + 1))");
  await shows(two, "still-2");
  await close(two);
  await until(
    () => tmux("list-clients"),
    (text) => text === "",
  );
  expect(await tmux("list-sessions -F '#{session_name}'")).toBe("dev");
});

test("a connection that drops is reported and comes back by itself, with what ran meanwhile", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  await type(page, "clear; sleep 4; echo after-the-$((1 + 0))-loss");
  await cleared();
  signIn.setReachable(false);
  await state(page).getByText("Disconnected, trying again in").waitFor();
  await picture(page, "terminal-dropped");
  await new Promise((resolve) => setTimeout(resolve, 3000));
  signIn.setReachable(true);
  await attached(page);
  await shows(page, "after-the-1-loss");
  await type(page, "echo goes-$((1 + 0))-on");
  await shows(page, "goes-1-on");
  expect(await pane()).toContain("goes-1-on");
  await close(page);
});

test("after its tmux server was killed, a session that was brought back goes on in the same window", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  await host.sh("pkill -9 -u ana_b tmux; while pgrep -u ana_b -x 'tmux: server' >/dev/null; do sleep 0.1; done");
  await is(page, "This session has ended, or you have detached from it.");
  await page.getByRole("button", { name: "Connect now" }).click();
  await is(page, "This session does not run. Restore it on your workstation's page, then connect.");
  const mine = await open();
  await mine.getByRole("button", { name: "Restore sessions" }).click();
  await mine.getByRole("heading", { name: "1 session brought back" }).waitFor();
  await page.getByRole("button", { name: "Connect now" }).click();
  await attached(page);
  await type(page, "echo back-$((1 + 0))");
  await shows(page, "back-1");
  expect(await pane()).toContain("back-1");
  await close(mine);
  await close(page);
});

test("the conversation of a session whose tmux server was killed goes on in the same window", async () => {
  const record = recording("terminal-session");
  const page = await open();
  await page.getByLabel("Name of a new session").fill("talk");
  await page.getByRole("button", { name: "Start it" }).click();
  await attached(page);
  await shows(page, "(startup)");
  await type(page, "remember 42");
  await shows(page, "heard: remember 42");
  await record.step("A session with the assistant is started and used", page);
  const conversations = "grep -l -r 'heard: ' ~/.claude/projects";
  const conversation = await host.sh(conversations, { as: "ana_b" });
  await host.sh(
    "tmux-persist save; pkill -9 -u ana_b tmux; while pgrep -u ana_b -x 'tmux: server' >/dev/null; do sleep 0.1; done; pkill -9 -u ana_b -x claude || true",
  );
  await is(page, "This session has ended, or you have detached from it.");
  await record.step("Its tmux server is killed", page);
  const mine = await open();
  await mine.getByRole("button", { name: "Restore sessions" }).click();
  await mine.getByRole("heading", { name: "brought back" }).waitFor();
  await close(mine);
  await page.getByRole("button", { name: "Connect now" }).click();
  await attached(page);
  await shows(page, "(resume)");
  await record.step("It is restored on the person's page, and connected again", page);
  await type(page, "which number was it");
  await shows(page, "heard: which number was it");
  await record.step("The conversation goes on", page);
  expect(await host.sh(`${conversations}; grep -c 'heard: ' ${conversation}`, { as: "ana_b" })).toBe(
    `${conversation}\n2`,
  );
  await tmux("kill-session -t =talk");
  await close(page);
  record.end();
});

test("the button starts a session with the launcher, also where no tmux server runs, and it outlives its terminal", async () => {
  await host.sh(
    "printf '#!/bin/sh\\necho launched in $PWD\\nexec sh\\n' > ~/start-claude.sh && chmod +x ~/start-claude.sh && tmux kill-server",
    { as: "ana_b" },
  );
  const page = await open();
  await page.getByLabel("Name of a new session").fill("fix-42");
  await page.getByRole("button", { name: "Start it" }).click();
  await attached(page);
  expect(new URL(page.url()).search).toBe("?session=fix-42");
  await shows(page, "launched in /home/ana_b");
  await close(page);
  await host.sh("systemctl stop workstation-terminal@ana_b.service");
  expect(await tmux("list-sessions -F '#{session_name}'")).toBe("fix-42");
  const server = await host.sh("cat /proc/$(pgrep -u ana_b -x 'tmux: server')/cgroup");
  expect(server).toContain("/user-7501.slice/user@7501.service/");
  await tmux("new-session -d -s dev");
  await tmux("kill-session -t =fix-42");
});

test("on a phone the keys that it lacks are on the screen, in the dark too", async () => {
  const page = await open(TERMINAL, {
    ...{ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true, colorScheme: "dark" },
  });
  await attached(page);
  await type(page, "clear; cat -v");
  await cleared();
  const press = (name: string) => page.getByRole("button", { name, exact: true }).tap();
  for (const name of ["Esc", "Tab", "Up", "Left", "Vertical bar", "Slash", "Hyphen"]) await press(name);
  await page.keyboard.press("Enter");
  await shows(page, "^[\t".replace("\t", ""));
  await until(pane, (text) => /\^\[ +\^\[\[A\^\[\[D\|\/-/.test(text));
  expect(await pane()).toMatch(/\^\[ +\^\[\[A\^\[\[D\|\/-/);
  await picture(page, "terminal-phone-dark");
  await press("Ctrl");
  expect(await page.getByRole("button", { name: "Ctrl" }).getAttribute("aria-pressed")).toBe("true");
  await page.keyboard.type("c");
  await type(page, "clear; echo on-$((1 + 0))");
  await shows(page, "on-1");
  expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  expect(await page.evaluate("getComputedStyle(document.querySelector('#screen')).backgroundColor")).toBe(
    "rgb(15, 21, 28)",
  );
  const small = `[...document.querySelectorAll("#keys button:not([hidden])")].filter((e) => e.getBoundingClientRect().height < 44).length`;
  expect(await page.evaluate(small)).toBe(0);
  await close(page);
});

test("escape sequences in titles and control characters in pastes act as text alone", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  await type(page, "clear; tmux set -g set-titles on; tmux set -g set-titles-string '#T'");
  await type(page, "printf '\\033]2;<img src=x onerror=alert(1)>\\033\\\\'");
  expect(await until(() => page.evaluate("document.title.startsWith('<img')"), Boolean)).toBe(true);
  expect(await page.title()).toBe("<img src=x onerror=alert(1)> · dev");
  expect(await page.locator("img").count()).toBe(0);
  await type(page, "clear; cat -v");
  await cleared();
  // The text pretends that the paste ends, and goes on with a command and an interrupt.
  const paste = `(() => {
    const data = new DataTransfer();
    data.setData("text/plain", "one\\x1b[201~two\\x03three\\x9b201~four");
    document.querySelector(".xterm-helper-textarea").dispatchEvent(
      new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  })()`;
  await page.evaluate(paste);
  await shows(page, "one[201~twothree201~four");
  await page.keyboard.press("Control+C");
  await close(page);
});

test("output without end fills no memory, and an interrupt is heard", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  await type(page, "clear; yes 'a line that is as long as many lines of a build are, and then some more of it'");
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const memory = "systemctl show --value -p MemoryCurrent workstation-lobby workstation-terminal@ana_b | grep .";
  const rss =
    "for u in workstation-lobby workstation-terminal@ana_b; do awk '/VmRSS/ {print $2}' /proc/$(systemctl show --value -p MainPID $u)/status; done";
  const kib = (await host.sh(rss)).split("\n").map(Number);
  for (const used of kib) expect(used, memory).toBeLessThan(150 * 1024);
  await page.keyboard.press("Control+C");
  await type(page, "clear; echo heard-$((1 + 0))");
  await shows(page, "heard-1");
  await close(page);
});

const ANY = Array.from({ length: 256 }, (_, code) => code);

test("nobody but the portal's account opens a terminal's socket, not even its own person", async () => {
  const socket = "/run/workstation-terminal/ana_b.sock";
  expect(await host.sh(`stat -c '%a %U %G' ${socket}; stat -c '%a %U' /run/workstation-terminal`)).toBe(
    "600 workstation-lobby workstation-lobby\n755 root",
  );
  for (const who of ["bob", "ana_b"]) {
    const tried = await host.vm.ssh(`curl -s --unix-socket ${socket} http://x/sessions -X POST`, {
      as: who,
      accept: ANY,
    });
    expect([who, tried.code, tried.stdout]).toEqual([who, 7, ""]);
    const removed = await host.vm.ssh(`rm -f ${socket}`, { as: who, accept: ANY });
    expect(removed.code).toBe(1);
  }
  expect(
    await host.sh(
      "systemd-analyze verify workstation-terminal@bob.socket workstation-terminal@bob.service 2>&1 | grep terminal || true",
    ),
  ).toBe("");
});

test("a web socket with a forged sign-in, of another site or from a shell on the host is refused", async () => {
  const key = "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -H 'Sec-WebSocket-Version: 13'";
  const upgrade = `-H 'Connection: Upgrade' -H 'Upgrade: websocket' ${key}`;
  const proof = `-H '${LAB_INGRESS_SECRET.header}: ${LAB_INGRESS_SECRET.value}'`;
  const own = `-H 'Origin: ${signIn.origin}'`;
  const address = `http://${host.vm.address}:${PORT}/terminal/socket?session=dev\\&cols=80\\&rows=24`;
  const ask = async (headers: string, as?: string) => {
    const script = `curl -s --http1.1 -m 3 -o /dev/null -w '%{http_code}' ${upgrade} ${headers} ${address}`;
    return (await host.vm.ssh(script, { accept: ANY, ...(as === undefined ? {} : { as }) })).stdout;
  };
  const asAna = "-H 'X-authentik-username: ana@x'";
  expect(await ask(`${proof} ${asAna} ${own}`)).toBe("101");
  expect(await ask(`${asAna} ${own}`)).toBe("403");
  expect(await ask(`${proof} ${own}`)).toBe("403");
  expect(await ask(`${proof} ${asAna}`)).toBe("403");
  expect(await ask(`${proof} ${asAna} -H 'Origin: https://evil.example'`)).toBe("403");
  expect(await ask(`${proof} ${asAna} ${own} -H 'X_authentik_username: bob@x'`)).toBe("403");
  expect(await ask(`${proof} ${asAna} ${own}`, "bob")).toBe("000");
  const page = await open("/", {}, "bob@x");
  await page.goto("about:blank");
  const cross = `new Promise((done) => {
    const socket = new WebSocket(${JSON.stringify(`${signIn.origin.replace("http", "ws")}${TERMINAL.replace("?", "/socket?")}&cols=80&rows=24`)});
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  })`;
  expect(await page.evaluate(cross)).toBe("refused");
  // Whose session is meant is not the page's to say.
  await page.goto(`${signIn.origin}${TERMINAL}`);
  await is(page, "This session does not run. Restore it on your workstation's page, then connect.");
  await close(page);
});

test("a thousand reconnects leave no process behind, and another person's page answers meanwhile", async () => {
  signIn.as("ana@x");
  const storm = `Promise.all(Array.from({ length: 1000 }, (_, at) => new Promise((done) => setTimeout(() => {
    const socket = new WebSocket("/terminal/socket?session=dev&cols=80&rows=24".replace(/^/, location.origin.replace("http", "ws")));
    socket.onopen = () => { socket.close(); done(1); };
    socket.onerror = () => done(0);
  }, at * 10)))).then((all) => all.reduce((sum, one) => sum + one))`;
  const page = await open();
  const opened = page.evaluate(storm);
  const waits: number[] = [];
  const headers = { "X-authentik-username": "bob@x", [LAB_INGRESS_SECRET.header]: LAB_INGRESS_SECRET.value };
  for (let asked = 0; asked < 20; asked += 1) {
    const startedMs = Date.now();
    expect((await fetch(`http://${host.vm.address}:${PORT}/style.css`, { headers })).status).toBe(200);
    waits.push(Date.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(Number(await opened)).toBeLessThan(300);
  expect(waits.sort((a, b) => a - b).at(-2)).toBeLessThan(1000);
  const left = () => host.sh("pgrep -u ana_b -c -x script || true");
  expect(await until(left, (count) => count === "0")).toBe("0");
  await close(page);
});

test("it runs as the person, in their slice, only while it is open", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  const shown = "systemctl show -p User,Slice,NoNewPrivileges,ActiveState workstation-terminal@ana_b | sort";
  expect(await host.sh(shown)).toBe("ActiveState=active\nNoNewPrivileges=yes\nSlice=user-7501.slice\nUser=ana_b");
  expect(await host.sh("ps -o user= -p $(systemctl show --value -p MainPID workstation-terminal@ana_b)")).toBe("ana_b");
  await close(page);
  const units = "workstation-terminal@ana_b.service workstation-terminal@ana_b.socket";
  // It waits for a minute.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const idle = await until(
    () => host.sh(`systemctl is-active ${units} || true`),
    (text) => text.startsWith("inactive"),
  );
  expect(idle).toBe("inactive\nactive");
});

test("parking ends an open terminal and its units, and gives none until the return", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  await host.apply(maps(everybody, { files: filesWith({ "ana@x": { ...OF_ANA, parked: true }, ...OF_BOB }) }));
  await is(page, "Your workstation is parked. Ask an admin to unpark it.");
  await host.apply(units({ ...ana, state: "parked" }));
  const on = "systemctl is-active workstation-terminal@ana_b.socket workstation-terminal@ana_b.service || true";
  expect(await host.sh(`${on}; pgrep -u ana_b -c . || true; ls /run/workstation-terminal`)).toBe(
    "inactive\ninactive\n0\nbob.sock",
  );
  await page.goto(`${signIn.origin}${TERMINAL}`);
  await page.getByText("Your workstation is parked, so nothing is started in it.").waitFor();
  await page.goto(`${signIn.origin}/`);
  expect(await page.getByRole("link", { name: "dev" }).count()).toBe(0);
  await host.apply(atWork());
  await host.apply(units(ana));
  await page.goto(`${signIn.origin}${TERMINAL}`);
  await attached(page);
  await close(page);
});

test("offboarding ends an open terminal, and a portal that is taken away ends them all", async () => {
  const page = await open(TERMINAL);
  await attached(page);
  const left = { ...ana, state: "left" } as const;
  await host.apply(maps([left, bob], { files: filesWith(OF_BOB) }));
  await is(page, "You are not let in any more. Ask an admin.");
  await host.apply(account(left));
  await host.apply(units(left));
  expect(await host.sh("pgrep -u ana_b -c . || true; ls /run/workstation-terminal")).toBe("0\nbob.sock");
  await host.apply(base());
  expect(await host.sh("systemctl is-active workstation-terminal@bob.socket || true")).toBe("inactive");
  await close(page);
  const delivered = base(lobby());
  await host.apply(delivered);
  expect(await host.sh("systemctl is-active workstation-terminal@bob.socket || true")).toBe("active");
  expect(await host.apply(delivered)).toMatchObject({ code: 0, out: ["host: nothing to change"] });
});
