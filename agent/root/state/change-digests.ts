/** Locates and removes the digest by which a person's clones are known to be unchanged. */

import type { System } from "../system/privileged-operations.ts";
import { STATE } from "./json-files.ts";

/** Where root remembers what a probe told. */
export const changeDigestFile = (osUser: string): string => `${STATE}/probes/${osUser}`;

/** Before a worker starts: one that is killed may leave what no probe looks at. */
export const removeChangeDigest = (sys: System, osUser: string): void => sys.remove(changeDigestFile(osUser));
