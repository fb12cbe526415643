/** Reads the configuration of the running stack; nothing else in the program does. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { StackSettings } from "../config/settings/stack-settings.ts";
import { parseSettings } from "../config/settings/parse.ts";

/** @throws Refusal that lists every problem of the configuration at once */
export const readConfig = (): StackSettings =>
  parseSettings(pulumi.runtime.allConfig(), `Pulumi.${pulumi.getStack()}.yaml`, encryptedKeys());

/** The keys whose values are encrypted, as the language host names them to the program; the SDK hides its own reader. */
const encryptedKeys = (): readonly string[] =>
  z.array(z.string()).parse(JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]"));
