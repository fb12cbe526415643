/** Puts hostile things into homes, as their people could (or as root could be tricked into). Runs on the host. */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { dirname } from "node:path";

/** What root holds and nobody may touch. */
const FILE = "/root/canary/file";
const DIRECTORY = "/root/canary/directory";
/** Of each uid, the places that are swapped. */
const swapped = new Map<number, string[]>();

/** One thing of that kind at a place below the home, `~/…`. */
function plant(osUser: string, kind: string, target: string): void {
  const home = `/home/${osUser}`;
  const at = target.replace("~", home);
  const uid = fs.statSync(home).uid;
  fs.mkdirSync(dirname(at), { recursive: true });
  fs.rmSync(at, { recursive: true, force: true });
  for (let dir = dirname(at); dir !== home; dir = dirname(dir)) fs.chownSync(dir, uid, uid);
  const wantsDirectory = /^~(\/code(\/[a-z]+)?|\/\.kube|\/\.codex|\/\.claude\/projects|\/\.ssh)$/.test(target);
  const link = (to: string) => fs.symlinkSync(to, at);
  const kinds: Record<string, () => void> = {
    "link to root's file": () => link(FILE),
    "link to root's directory": () => link(DIRECTORY),
    "link in a parent": () => {
      const parent = dirname(at);
      if (parent === home) return link(DIRECTORY);
      fs.rmSync(parent, { recursive: true, force: true });
      fs.symlinkSync(DIRECTORY, parent);
      fs.lchownSync(parent, uid, uid);
    },
    "dangling link": () => link("/root/canary/new"),
    "link loop": () => link(at),
    "hard link to root's file": () => fs.linkSync(FILE, at),
    pipe: () => void execFileSync("mkfifo", [at]),
    socket: () =>
      void execFileSync("perl", ["-MIO::Socket::UNIX", "-e", "IO::Socket::UNIX->new(Local=>shift,Listen=>1)", at]),
    "the other sort": () =>
      wantsDirectory ? fs.writeFileSync(at, "mine\n") : void fs.mkdirSync(`${at}/mine`, { recursive: true }),
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
      swapped.set(uid, [...(swapped.get(uid) ?? []), at]);
    },
  };
  kinds[kind]?.();
  if (kind !== "hard link to root's file" && fs.existsSync(dirname(at)) && kind !== "link in a parent")
    fs.lchownSync(at, uid, uid);
}

const cells: readonly (readonly [string, string, string])[] = JSON.parse(fs.readFileSync(0, "utf8"));
for (const [osUser, kind, target] of cells) plant(osUser, kind, target);
for (const [uid, places] of swapped) {
  // renameat2 with RENAME_EXCHANGE, as fast as it goes, for as long as a run may last.
  const swap = '$e=time+20; while(time<$e){syscall(316,-100,$_,-100,"$_.other",2) for @ARGV}';
  const as = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  spawn("setpriv", [...as, "perl", "-e", swap, ...places], { detached: true, stdio: "ignore" }).unref();
}
