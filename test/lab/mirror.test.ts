import { expect, test } from "vitest";
import { mirrorAmong } from "../../lab/devvm/mirror.ts";

const targets = (...lines: readonly string[]): string => `${lines.join("\n")}\n`;

test("the mirror is that of a whole Debian release, not of its updates or security fixes", () => {
  const found = mirrorAmong(
    targets(
      "https://fixes.example/debian-security/ trixie-security main Debian",
      "https://mirror.example/debian/ trixie-updates main Debian",
      "https://mirror.example/debian/ trixie main Debian",
    ),
  );
  expect(found).toBe("https://mirror.example/debian/");
});

test("somebody else's repository is no Debian mirror, whatever it calls its release", () => {
  expect(mirrorAmong(targets("https://tools.example/apt/ stable main Tools"))).toBeUndefined();
});

test("a machine whose lists were never fetched has no mirror yet", () => {
  expect(mirrorAmong("")).toBeUndefined();
});
