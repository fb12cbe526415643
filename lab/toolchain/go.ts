/** Runs the go command for the lab: with caches of its own, and nothing written to the user's home. */
import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LabError } from "../lab-error.ts";
import { BASE_ENV, run } from "../run.ts";

/** Where downloads and compiled packages are kept while anything is still to be built. */
export interface GoCaches {
  readonly build: string;
  readonly modules: string;
  /** Stands for the user's home, where the go command would keep counters. */
  readonly home: string;
}

export const goCaches = (cache: string): GoCaches => ({
  build: join(cache, "go", "build"),
  modules: join(cache, "go", "mod"),
  home: join(cache, "go", "home"),
});

/** `go1.26.8`, of the go command on the PATH. Throws `LabError` where there is none. */
export async function goVersion(caches: GoCaches): Promise<string> {
  const { stdout } = await run(["go", "env", "GOVERSION"], { env: goEnv(caches) }).catch((cause: unknown) => {
    throw new LabError(
      'The lab builds its servers with Go, and there is no working "go" on the PATH: install Go 1.26 or newer, then try again.',
      { cause },
    );
  });
  return stdout.trim();
}

/** A module's folder in the module cache. */
export async function moduleFolder(caches: GoCaches, cwd: string, module: string): Promise<string> {
  const argv = ["go", "list", "-m", "-f", "{{.Dir}}", module] as const;
  return (await run([...argv], { cwd, env: goEnv(caches), timeoutMs: 300_000 })).stdout.trim();
}

/**
 * Builds packages of the module in `cwd` into the folder `out`, telling each package that is done. Throws `LabError` with
 * what the compiler said.
 */
export function goBuild(
  caches: GoCaches,
  build: {
    readonly cwd: string;
    readonly out: string;
    readonly flags: readonly string[];
    readonly packages: readonly string[];
  },
  onPackage: (count: number) => void,
): Promise<void> {
  // Nice: the lab's servers and the people at the machine come first.
  const argv = ["-n", "10", "go", "build", "-v", "-trimpath", "-o", `${build.out}/`, ...build.flags, ...build.packages];
  return new Promise((resolve, reject) => {
    const child = spawn("nice", argv, { cwd: build.cwd, env: goEnv(caches), stdio: ["ignore", "ignore", "pipe"] });
    let count = 0;
    const problems: string[] = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (/^[\w.~/-]+$/.test(line)) onPackage(++count);
      else if (!line.startsWith("go: downloading ")) problems.push(line);
    });
    child.on("error", (cause) => reject(new LabError(`go build could not be started: ${cause.message}`, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      const output = problems.slice(-20).join("\n  ");
      reject(
        new LabError(
          `go build of ${build.packages.join(", ")} ended with ${signal ?? `exit code ${code}`}\n  ${output}`,
        ),
      );
    });
  });
}

/** Empties both caches. The module cache is read-only, so the go command itself has to do it. */
export async function dropGoCaches(caches: GoCaches): Promise<void> {
  await run(["go", "clean", "-cache", "-modcache"], { env: goEnv(caches), timeoutMs: 300_000 });
}

/** The caller's word on where modules come from counts (proxy, private modules, certificates); the rest is fixed. */
function goEnv(caches: GoCaches): Record<string, string> {
  const handedOn = Object.entries(process.env).filter(([name]) => HANDED_ON.test(name));
  return {
    ...(Object.fromEntries(handedOn) as Record<string, string>),
    PATH: process.env.PATH ?? BASE_ENV.PATH ?? "",
    HOME: caches.home,
    GOENV: process.env.GOENV ?? join(process.env.XDG_CONFIG_HOME ?? join(homedir(), ".config"), "go", "env"),
    GOCACHE: caches.build,
    GOMODCACHE: caches.modules,
    GOPATH: join(caches.home, "go"),
    GOFLAGS: "-mod=readonly",
    GOWORK: "off",
    GOTOOLCHAIN: "local",
    CGO_ENABLED: "1",
  };
}

const HANDED_ON =
  /^(GO(PROXY|SUMDB|NOSUMDB|NOSUMCHECK|PRIVATE|NOPROXY|INSECURE|AUTH)|SSL_CERT_\w+|(HTTPS?|NO)_PROXY|(https?|no)_proxy|TMPDIR)$/;
