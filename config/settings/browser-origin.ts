/** Defines a setting that names an origin, exactly as browsers send it in `Origin` (RFC 6454, section 6.2). */

import { z } from "zod";

const MESSAGE =
  "must be an origin as browsers send it, in lower case and without a path or the scheme's own port, as in https://portal.example";

/** It is compared letter by letter with what a browser sends, so no other form of the same address will do. */
export const browserOrigin = z
  .string()
  .regex(/^https?:\/\//, { message: MESSAGE, abort: true })
  .refine((text) => URL.canParse(text) && new URL(text).origin === text, MESSAGE);
