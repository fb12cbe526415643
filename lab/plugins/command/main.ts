/** Serves the emulated `command` plugin; ../README.md says what it keeps of the official one. */
import { unsupported } from "../../../providers/runtime/errors.ts";
import type { Resource } from "../../../providers/runtime/provider.ts";
import { servePlugin } from "../../../providers/runtime/serve.ts";
import { standInVersion } from "../version.ts";
import { command } from "./command.ts";
import { copyToRemote } from "./copy-to-remote.ts";

const RESOURCES: Readonly<Record<string, Resource>> = {
  "command:remote:Command": command,
  "command:remote:CopyToRemote": copyToRemote,
};

void servePlugin({
  name: "command",
  version: standInVersion(),
  resource: (type) => {
    const resource = RESOURCES[type];
    if (resource !== undefined) return resource;
    throw unsupported(
      `${type}: the lab's emulated command plugin has ${Object.keys(RESOURCES).join(" and ")} only; ` +
        "with the official plugin on the PATH or in WS_LAB_PLUGINS the lab uses that instead",
    );
  },
});
