/** Declares the public site stem95su, where the configuration has a section for it. */

import type * as k8s from "@pulumi/kubernetes";
import { Stem95su } from "../components/stem95su/site.ts";
import type { Stem95suSettings } from "../config/settings/stem95su.ts";

/** Declares the site in the cluster that the provider leads to. */
export function deploySite(provider: k8s.Provider, settings: Stem95suSettings): void {
  new Stem95su("stem95su", settings, { providers: [provider] });
}
