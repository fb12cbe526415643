/** Names the file of a sign-in on a control plane. */

import { createHash } from "node:crypto";

/** Another content is another file, so that the manifest names exactly what the API server was seen to live with. */
export const signInFile = (folder: string, text: string): string =>
  `${folder}/sign-in-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.json`;
