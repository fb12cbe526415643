/** Puts one hostile thing at one place of a home, as its person could (or as root could be tricked into). Runs on the host. */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { dirname } from "node:path";

const [osUser = "", kind = "", target = ""] = process.argv.slice(2);
const home = `/home/${osUser}`;
const at = target === "~" ? home : target.replace("~", home);
const uid = fs.statSync(home).uid;

/** What root holds and nobody may touch. */
const FILE = "/root/canary/file";
const DIRECTORY = "/root/canary/directory";

if (at !== home) {
  fs.mkdirSync(dirname(at), { recursive: true });
  fs.rmSync(at, { recursive: true, force: true });
  for (let dir = dirname(at); dir !== home; dir = dirname(dir)) fs.chownSync(dir, uid, uid);
}
const wantsDirectory = /^~(\/code(\/[a-z]+)?|\/\.kube|\/\.codex|\/\.claude\/projects|\/\.ssh)?$/.test(target);

const kinds: Record<string, () => void> = {
  "link to root's file": () => link(FILE),
  "link to root's directory": () => link(DIRECTORY),
  "link in a parent": () => {
    const parent = dirname(at);
    if (parent === home || parent === "/home") return link(DIRECTORY);
    fs.rmSync(parent, { recursive: true, force: true });
    fs.symlinkSync(DIRECTORY, parent);
    fs.lchownSync(parent, uid, uid);
  },
  "dangling link": () => link("/root/canary/new"),
  "link loop": () => link(at),
  "hard link to root's file": () => fs.linkSync(FILE, at),
  pipe: () => void execFileSync("mkfifo", [at]),
  socket: () =>
    void execFileSync("node", [
      "-e",
      "require('net').createServer().listen(process.argv[1],()=>process.exit())",
      `${at}.s`,
    ]),
  "the other sort": () =>
    wantsDirectory ? fs.writeFileSync(at, "mine\n") : fs.mkdirSync(`${at}/mine`, { recursive: true }),
  "closed to its own owner": () => {
    if (wantsDirectory) fs.mkdirSync(at);
    else fs.writeFileSync(at, "mine\n");
    fs.chmodSync(at, 0);
  },
  "20 GiB without content": () => {
    fs.writeFileSync(at, "");
    fs.truncateSync(at, 20 * 2 ** 30);
  },
  "swapped all the time": () => {
    fs.mkdirSync(at, { recursive: true });
    fs.symlinkSync(DIRECTORY, `${at}.other`);
    fs.lchownSync(`${at}.other`, uid, uid);
    // renameat2 with RENAME_EXCHANGE, as fast as it goes, for as long as a run may last.
    const swap = "$e=time+20; while(time<$e){syscall(316,-100,$ARGV[0],-100,$ARGV[1],2)}";
    spawn("setpriv", [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "perl", "-e", swap, at, `${at}.other`], {
      detached: true,
      stdio: "ignore",
    }).unref();
  },
};

function link(to: string): void {
  fs.symlinkSync(to, at);
}

kinds[kind]?.();
if (kind === "socket") fs.renameSync(`${at}.s`, at);
if (kind !== "hard link to root's file" && fs.existsSync(dirname(at)) && kind !== "link in a parent")
  fs.lchownSync(at, uid, uid);
