/** Defines the schemas of header names, and of the secret header by which an ingress proves that a request came through it. */

import { z } from "zod";

export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/, "must be a header's name: letters, digits and single -");

/** @param header the default name of the header @param least the fewest characters of the secret */
export const sharedSecret = (header: string, least: number) => {
  const text = z
    .string()
    .min(least)
    .regex(/^[!-~]([ -~]*[!-~])?$/, "must be printable ASCII, and neither begin nor end with a blank");
  return z.strictObject({
    header: headerName.default(header).describe("Header that the ingress adds."),
    value: text.describe("Secret: what the ingress sends in it, as `openssl rand -hex 32` makes one."),
    previous: text
      .optional()
      .describe("Secret: the former value, which is accepted as well until the ingress sends the new one."),
  });
};
