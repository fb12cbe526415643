/** Decides which Kubernetes plugin a lab uses: once, when it is first started, since a state made with one is for that one. */
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";
import { readIfThere } from "../read-optional.ts";
import { replaceFile } from "../replace-file.ts";

/** `official`: the lab builds Pulumi's own Kubernetes plugin. `emulated`: it takes what is at hand, else its own. */
export type PluginKind = "official" | "emulated";

/** What `PLUGINS` of the Makefile asks for. */
export const askedKind = (env: NodeJS.ProcessEnv = process.env): PluginKind =>
  env.PLUGINS === "official" ? "official" : "emulated";

/** The lab's kind; what is asked for where none is kept. Throws `LabError` when the other one is asked for by name. */
export async function kindOf(instance: Instance | undefined): Promise<PluginKind> {
  const asked = askedKind();
  const kept = instance && (await readIfThere(fileOf(instance)))?.trim();
  if (instance === undefined || kept === undefined || kept === asked) return asked;
  if (kept === "official") return kept;
  if (kept === "emulated")
    throw new LabError(
      `PLUGINS=official: the lab "${instance.name}" was started without the official Kubernetes plugin, and its state is ` +
        `for the emulated one. Start another lab (WS_LAB=NAME make up PLUGINS=official), or remove this one first: ${removing(instance)}`,
    );
  throw new LabError(
    `${fileOf(instance)}: it says ${JSON.stringify(kept)}; expected "official" or "emulated". Write the kind that the lab was started with, or remove the lab: ${removing(instance)}`,
  );
}

/** Keeps the lab's kind, from its first start on until it is removed. */
export async function keepKind(instance: Instance): Promise<PluginKind> {
  const kind = await kindOf(instance);
  await replaceFile(fileOf(instance), `${kind}\n`);
  return kind;
}

const removing = ({ name }: Instance): string => `WS_LAB=${name} node --import tsx lab/main.ts down --purge`;

const fileOf = (instance: Instance): string => instance.path("kubernetes-plugin");
