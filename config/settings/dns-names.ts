/** Defines the schemas of DNS names and labels, which the settings of several concerns share. */

import { z } from "zod";

export const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "must be a DNS label: a-z, 0-9 and -, at most 63 characters");

export const dnsName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/,
    "must be a DNS name in lower case, as in dashboard.example.org",
  );
