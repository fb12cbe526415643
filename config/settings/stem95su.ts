/** Defines the settings of the public site stem95su and of its sync from Drive. */

import { z } from "zod";

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$/;
const dnsName = z.string().regex(DNS_NAME, 'must be a DNS name in lower case, as in "stem95su.example.org"');

const QUANTITY = /^[1-9]\d*(\.\d+)?(Mi|Gi|Ti|M|G|T)$/;
const quantity = z.string().regex(QUANTITY, 'must be a size with its unit (Mi, Gi, Ti, M, G or T), as in "5Gi"');

/** The cluster refuses a wrong expression too, but only in the middle of `up`. */
const cron = z
  .string()
  .refine(
    isCron,
    'must be five cron fields in their ranges (minute, hour, day, month, day of the week), as in "*/10 * * * *"',
  );

const annotations = z
  .record(z.string(), z.string())
  .default({})
  .describe("Annotations of the Ingress, as the ingress controller or cert-manager expects them.");

export const stem95su = z.strictObject({
  host: dnsName.describe("DNS name under which the site is reached."),
  schedule: cron.default("*/10 * * * *").describe("When the sync from Drive runs, in the cluster's time zone."),
  volumeSize: quantity
    .default("5Gi")
    .describe(
      "Size of the content volume: the site, and as much again as changes in one sync. It can only be enlarged.",
    ),
  storageClass: z.string().min(1).optional().describe("Storage class of the volume. Absent: the cluster's default."),
  accessMode: z
    .enum(["ReadWriteOnce", "ReadWriteMany"], { error: 'must be "ReadWriteOnce" or "ReadWriteMany"' })
    .default("ReadWriteOnce")
    .describe("ReadWriteOnce keeps web server and sync on one node; ReadWriteMany spreads two web servers over nodes."),
  ingressClass: z.string().min(1).optional().describe("Ingress class. Absent: the cluster's default."),
  tlsSecret: z
    .string()
    .min(1)
    .optional()
    .describe("Secret with the certificate. Absent: the ingress controller's own."),
  ingressAnnotations: annotations,
  confirmDeletions: z
    .int("must be the number of files that the sync named")
    .min(26, "must be more than 25, since up to 25 files need no confirmation")
    .optional()
    .describe("Lets one sync delete exactly this many files, where its limit of 25 has named that number."),
  alertAfterMinutes: z
    .int("must be a number of minutes")
    .min(20, "must be at least 20, since the sync runs every ten minutes")
    .optional()
    .describe("Age of the last good sync that raises the alert; requires the Prometheus operator. Absent: no alert."),
});

export type Stem95suSettings = z.output<typeof stem95su>;

/** Five fields of numbers, names, ranges, steps and lists; no `@daily`, no seconds, no time zone. */
function isCron(text: string): boolean {
  const fields = text.split(" ");
  return fields.length === FIELDS.length && FIELDS.every((field, i) => fitsField(fields[i] ?? "", field));
}

interface Field {
  readonly from: number;
  readonly to: number;
  /** Names that stand for `from`, `from + 1`, … */
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12, names: "jan feb mar apr may jun jul aug sep oct nov dec".split(" ") },
  { from: 0, to: 6, names: "sun mon tue wed thu fri sat".split(" ") },
];

const fitsField = (text: string, field: Field): boolean => text.split(",").every((part) => fitsPart(part, field));

function fitsPart(part: string, field: Field): boolean {
  const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/([1-9]\d*))?$/.exec(part);
  if (match === null) return false;
  const [, first, last] = match.map((word) => (word === undefined ? undefined : meaningOf(word, field)));
  if (first === undefined) return true;
  return first >= field.from && (last ?? first) <= field.to && first <= (last ?? first);
}

function meaningOf(word: string, { from, names = [] }: Field): number {
  const index = names.indexOf(word.toLowerCase());
  return index < 0 ? Number(word) : from + index;
}
