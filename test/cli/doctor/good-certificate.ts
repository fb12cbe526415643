/** A certificate that is well, on the day of the tests. */
export const NOW = new Date("2026-01-10T00:00:00Z");
export const GOOD = {
  validFrom: new Date("2025-12-01"),
  validTo: new Date("2026-06-01"),
  distrust: undefined,
  otherName: undefined,
};
