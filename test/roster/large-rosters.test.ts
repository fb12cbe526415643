import { expect, test } from "vitest";
import { loadRoster } from "../../roster/load.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { linesOf, rosterOf, row } from "./support.ts";

const EVERY_FIELD = `namespaces: [a0, b0, c0]
email: p0@example.org
code_layout: workspace
repos: [one, two, three, four]
forgejo:
  login: f0
  push: true
parked: false
claude_auth: true
limits:
  memory: 8G
  cpu: 200%
  tasks: 4096
  pane_memory: 2G
quota:
  cpu_requests: "2"
  memory_requests: 4Gi
  memory_limits: 8Gi
  pods: 20
until: 2027-01-31
previously:
  authentik_user: old0
  email: old0@example.org
host: devvm`;

/** As many people, each with the fields of `more` and names of their own. */
const people = (count: number, more = "", tier = "power-user"): string =>
  rosterOf(
    ...Array.from({ length: count }, (_, index) =>
      row(`p${index}`, more.replace(/\b([abcpf]|old)0\b/g, `$1${index}`), tier),
    ),
  );

/** Processor time of reading a roster, the shortest of three: the clock would count what else this machine does. */
function cost(text: string): number {
  const runs = [1, 2, 3].map(() => {
    const began = process.cpuUsage();
    loadRoster(text, "roster.yaml", DEFAULT_POLICY);
    const { user, system } = process.cpuUsage(began);
    return user + system;
  });
  return Math.min(...runs);
}

test("a thousand people with every field are a roster like any other", () =>
  expect(linesOf(people(1000, EVERY_FIELD, "namespace-owner"))).toEqual([]));

test.each([
  ["people without a problem", people],
  ["people whose text cannot be read", (count: number) => people(count).replace(/tier: .*/g, "tier: a: b")],
  ["people with a problem each", (count: number) => people(count, "host: nowhere")],
  ["fields that stand among the people", (count: number) => people(count).replace(/^ {4}tier/gm, "  tier")],
])("four times as many %s take less than eight times as long", { retry: 2 }, (_which, text) => {
  // Linear growth is fourfold, quadratic growth sixteenfold.
  expect(cost(text(2000)) / cost(text(500))).toBeLessThan(8);
});
