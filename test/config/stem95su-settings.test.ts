/** The site's settings: what is taken, what is refused and with which words. */

import { expect, test } from "vitest";
import { parseSettings } from "../../config/settings/parse.ts";
import { stem95su } from "../../config/settings/stem95su.ts";
import { settings } from "./raw-config.ts";

/** The one message about a section with this in it. */
function refusal(section: Readonly<Record<string, unknown>>): string {
  const { error } = stem95su.safeParse({ host: "site.test.org", ...section });
  expect(error?.issues).toHaveLength(1);
  const [issue] = error?.issues ?? [];
  return `${issue?.path.join(".")}: ${issue?.message}`;
}

test("a host is all that a site needs; the schedule is the specification's", () => {
  expect(stem95su.parse({ host: "site.test.org" })).toEqual({
    host: "site.test.org",
    schedule: "*/10 * * * *",
    volumeSize: "5Gi",
    accessMode: "ReadWriteOnce",
    ingressAnnotations: {},
  });
});

test.each([
  "https://site.test.org",
  "site",
  "Site.test.org",
  "site.test.org.",
  "-a.test.org",
  `${"a".repeat(64)}.org`,
  "",
])("the host %j is refused, and the right form named", (host) => {
  expect(refusal({ host })).toBe('host: must be a DNS name in lower case, as in "stem95su.example.org"');
});

test.each(["* * * * *", "*/10 * * * *", "0,30 8-18 1 jan-mar mon-fri", "5-59/10 0 * * 0"])(
  "the schedule %j is taken",
  (schedule) => {
    expect(stem95su.parse({ host: "site.test.org", schedule }).schedule).toBe(schedule);
  },
);

test.each([
  ...["", "@hourly", "*/10 * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7"],
  ...[
    "*/0 * * * *",
    "30-10 * * * *",
    "1- * * * *",
    "a * * * *",
    "*/x * * * *",
    "* * * foo *",
    "*  * * * *",
    "-1 * * * *",
  ],
])("the schedule %j is refused, and the right form named", (schedule) => {
  expect(refusal({ schedule })).toBe(
    "schedule: must be five cron fields in their ranges (minute, hour, day, month, day of the week), " +
      'as in "*/10 * * * *"',
  );
});

test.each(["5", "0Gi", "-1Gi", "5GB", "5 Gi", "Gi", "1e9"])(
  "the size %j is refused, and the right form named",
  (volumeSize) => {
    expect(refusal({ volumeSize })).toBe(
      'volumeSize: must be a size with its unit (Mi, Gi, Ti, M, G or T), as in "5Gi"',
    );
  },
);

test.each([
  [{ confirmDeletions: 25 }, "confirmDeletions: must be more than 25, since up to 25 files need no confirmation"],
  [{ confirmDeletions: "all" }, "confirmDeletions: must be the number of files that the sync named"],
  [{ alertAfterMinutes: 10 }, "alertAfterMinutes: must be at least 20, since the sync runs every ten minutes"],
  [{ accessMode: "ReadWriteMost" }, 'accessMode: must be "ReadWriteOnce" or "ReadWriteMany"'],
])("%j is refused", (section, message) => {
  expect(refusal(section)).toBe(message);
});

test("a misspelt setting is refused", () => {
  const { error } = stem95su.safeParse({ host: "site.test.org", shedule: "* * * * *" });
  expect(error?.issues).toMatchObject([{ code: "unrecognized_keys", keys: ["shedule"] }]);
});

test("a site without a cluster is refused at its section, and one with a cluster is taken", () => {
  const site = { host: "site.test.org" };
  expect(() => settings({ stem95su: site })).toThrow(
    /workstation:stem95su: found .*; it must have a cluster to run in: set cluster and kubeconfig, or remove stem95su/,
  );
  expect(() => settings({ stem95su: site, kubeconfig: "a: b" })).toThrow("must have a cluster to run in");
  const cluster = { server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test", clientId: "c" } };
  expect(settings({ stem95su: site, cluster }).stem95su?.host).toBe("site.test.org");
});

test("an operator is told every problem of the section at once: where, what was found, what is right, how to set it", () => {
  const section = JSON.stringify({ schedule: "@hourly", volumeSize: "5GB", storageclass: "fast" });
  const refused = () => parseSettings({ "workstation:stem95su": section }, "Pulumi.prod.yaml");
  for (const sentence of [
    "Pulumi.prod.yaml: workstation:stem95su.host: is missing; it must be text (DNS name under which the site is reached.). Set it by `pulumi config set --path 'stem95su.host'`",
    'Pulumi.prod.yaml: workstation:stem95su.schedule: found "@hourly"; it must be five cron fields in their ranges',
    'Pulumi.prod.yaml: workstation:stem95su.volumeSize: found "5GB"; it must be a size with its unit',
  ]) {
    expect(refused).toThrow(sentence);
  }
  expect(refused).toThrow(/workstation:stem95su\.storageclass: is no setting of .*did you mean "storageClass"\?/);
});
