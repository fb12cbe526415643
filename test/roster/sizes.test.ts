/** Which figures of a limit or a quota count as a rise, and so need an admin's confirmation. */

import { expect, test } from "vitest";
import { isLarger } from "../../roster/changes/compare-sizes.ts";

test.each([
  ["memory_limits", "100Gi", "100G"],
  ["memory_requests", "4Gi", "4G"],
  ["memory_limits", "1Mi", "1048k"],
  ["cpu_requests", "1", "999m"],
  ["cpu_requests", "2.5", "2"],
  ["pods", "100", "20"],
  ["memory", "1G", "1023M"],
  ["cpu", "1000%", "200%"],
  ["tasks", "infinity", "4096"],
  ["memory", "8G", "10%"],
  ["memory", "10%", "8G"],
  ["pane_memory", "20%", "10%"],
  ["a figure to come", "1", "2"],
])("%s %s is more than %s, or may be", (name, now, past) => {
  expect(isLarger(name, now, past)).toBe(true);
});

test.each([
  ["memory_limits", "100G", "100Gi"],
  ["memory_limits", "1024Mi", "1Gi"],
  ["memory", "1024M", "1G"],
  ["cpu_requests", "500m", "0.5"],
  ["memory", "4T", "infinity"],
  ["memory", "10%", "20%"],
  ["pods", "20", "20"],
])("%s %s is no more than %s", (name, now, past) => {
  expect(isLarger(name, now, past)).toBe(false);
});
