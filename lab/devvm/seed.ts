/**
 * Writes the layer of files that makes a bare Debian this DevVM; it lies between the base and the machine's own writes.
 */
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { Instance } from "../instance.ts";
import type { KeyPair } from "./keys.ts";
import type { MachinePaths } from "./addresses.ts";

/** A file of the layer by its absolute path on the machine; a `link` is a symlink instead. */
type SeedFile = { readonly text: string; readonly mode: number } | { readonly link: string };

/**
 * Writes the layer and answers its folder. Other content is another folder, since a layer that is in use must not change;
 * so a machine that runs with an older one is booted anew, and keeps what it wrote.
 */
export async function seedLayer(
  instance: Instance,
  paths: MachinePaths,
  { host, client, hasStubs }: { readonly host: KeyPair; readonly client: KeyPair; readonly hasStubs: boolean },
): Promise<string> {
  const own = { ...identity(instance, paths), ...network(paths), ...ssh(host, client) };
  const files = hasStubs ? { ...own, ...(await stubs()) } : own;
  const key = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 16);
  const layer = join(paths.dir, `${PREFIX}${key}`);
  if ((await layersIn(paths)).includes(layer)) return layer;
  await rm(`${layer}.new`, { recursive: true, force: true });
  for (const [path, file] of Object.entries(files)) await put(`${layer}.new`, path, file);
  await rename(`${layer}.new`, layer);
  return layer;
}

/** Removes the layers that are no longer in use. */
export async function removeOtherLayers(paths: MachinePaths, used: string): Promise<void> {
  for (const layer of await layersIn(paths)) if (layer !== used) await rm(layer, { recursive: true });
}

const PREFIX = "seed-";

const layersIn = async (paths: MachinePaths): Promise<string[]> =>
  (await readdir(paths.dir)).filter((entry) => entry.startsWith(PREFIX)).map((entry) => join(paths.dir, entry));

/** In the merged tree a folder has the rights that its topmost layer gives it, so each is made with the right ones. */
async function put(layer: string, path: string, file: SeedFile): Promise<void> {
  const target = join(layer, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  if (path.startsWith("/root/")) for (const folder of ["/root", "/root/.ssh"]) await chmod(join(layer, folder), 0o700);
  if ("link" in file) return symlink(file.link, target);
  await writeFile(target, file.text);
  await chmod(target, file.mode);
}

const plain = (...lines: readonly string[]): SeedFile => ({ text: [...lines, ""].join("\n"), mode: 0o644 });

function identity(instance: Instance, { name }: MachinePaths): Record<string, SeedFile> {
  return {
    "/etc/hostname": plain(name),
    "/etc/hosts": plain("127.0.0.1 localhost", `127.0.1.1 ${name}`, `${instance.address.lab} lab`),
    // Without it, sshd's sessions complain in the journal.
    "/etc/default/locale": plain("LANG=C.UTF-8"),
    // The lab has no name service: a name that /etc/hosts does not know fails at once, and not after half a minute.
    "/etc/resolv.conf": plain("nameserver 127.0.0.1", "options timeout:1 attempts:1"),
  };
}

function network({ address, linkAddress }: MachinePaths): Record<string, SeedFile> {
  const unit = plain(
    "[Unit]",
    "Description=Address of this machine on the lab's link",
    "DefaultDependencies=no",
    "Before=network.target ssh.service",
    "Wants=network.target",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    `ExecStart=/sbin/ip address replace ${address}/30 dev host0`,
    "ExecStart=/sbin/ip link set host0 up",
    `ExecStart=/sbin/ip route replace default via ${linkAddress}`,
  );
  return {
    "/etc/systemd/system/lab-network.service": unit,
    "/etc/systemd/system/multi-user.target.wants/lab-network.service": { link: "../lab-network.service" },
  };
}

function ssh(host: KeyPair, client: KeyPair): Record<string, SeedFile> {
  return {
    "/etc/ssh/ssh_host_ed25519_key": { text: host.privateText, mode: 0o600 },
    "/etc/ssh/ssh_host_ed25519_key.pub": plain(host.publicLine),
    // sshd takes the first value that it meets: a file with a lower number, as the program may deliver one, goes first.
    "/etc/ssh/sshd_config.d/90-lab.conf": plain(
      "HostKey /etc/ssh/ssh_host_ed25519_key",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "UseDNS no",
      "# Its default drops more than ten connections that begin at once, and a deployment opens one a person.",
      "MaxStartups 200:30:400",
      "MaxSessions 100",
    ),
    "/root/.ssh/authorized_keys": { text: `${client.publicLine}\n`, mode: 0o600 },
  };
}

/** The stubs, each as one file that Debian's node 18 runs. */
async function stubs(): Promise<Record<string, SeedFile>> {
  const [t3, claude] = await Promise.all(["t3-stub", "claude-stub"].map(bundle));
  return { "/usr/local/bin/t3-stub": program(t3), "/usr/local/bin/claude": program(claude) };
}

const program = (text = ""): SeedFile => ({ text, mode: 0o755 });

async function bundle(name: string): Promise<string> {
  const entry = join(import.meta.dirname, "files", `${name}.ts`);
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    target: "node18",
    format: "cjs",
    write: false,
    banner: { js: "#!/usr/bin/node" },
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
