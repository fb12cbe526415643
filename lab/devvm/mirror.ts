/** Finds the Debian mirror that this machine uses already, so that the lab contacts no other one. */
import { LabError } from "../lab-error.ts";
import { run } from "../run.ts";

export interface Mirror {
  readonly url: string;
  /** The proxy to reach it by, where apt or the caller's environment names one. */
  readonly proxy?: string;
}

/** The mirror that apt's own configuration names. Throws `LabError` where there is none, or its lists were never fetched. */
export async function debianMirror(env: NodeJS.ProcessEnv = process.env): Promise<Mirror> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)";
  const { stdout } = await run(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]);
  const url = mirrorAmong(stdout);
  if (url === undefined) {
    throw new LabError(
      'The DevVM is made from Debian packages, and apt knows no Debian mirror here: run "apt-get update" and try again; ' +
        "if that changes nothing, apt's sources name no Debian release.",
    );
  }
  const proxy = env.http_proxy || (await aptProxy());
  return proxy ? { url, proxy } : { url };
}

/** The first repository of a whole Debian release: its updates and its security fixes lie in folders of their own. */
export function mirrorAmong(targets: string): string | undefined {
  const releases = targets.split("\n").map((line) => line.split(" "));
  return releases.find(
    ([, release = "", component, origin]) => origin === "Debian" && component === "main" && /^[a-z]+$/.test(release),
  )?.[0];
}

async function aptProxy(): Promise<string | undefined> {
  const { stdout } = await run(["apt-config", "--format", "%v", "dump", "Acquire::http::Proxy"]);
  return stdout.trim() || undefined;
}
