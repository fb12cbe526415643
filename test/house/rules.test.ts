import { expect, test } from "vitest";
import { SLOW } from "../../vitest.config.ts";
import { LONGEST } from "../e2e/longest-first.ts";
import { files, text } from "./sources.ts";

const sources = files(/^(?!test\/|lab\/images\/).*\.ts$/);
const everything = files(/\.(ts|sh|yaml|yml|json|md)$|^Makefile$|^ws$/).filter((file) => file !== "package-lock.json");

test.each(sources)("%s says in its first line what it is for", (file) => {
  expect(text(file).trimStart()).toMatch(/^\/\*\*/);
});

test("no source file is so long that it must hold two things", () => {
  const long = sources.filter((file) => text(file).split("\n").length > 301);
  expect(long).toEqual([]);
});

test("nothing is left open and no error is swallowed", () => {
  const open = /\b(TO[D]O|FIX[M]E|HA[C]K|XX[X])\b|catch\s*(\(\w*\))?\s*\{\s*\}/;
  const found = files(/\.(ts|sh)$/).filter((file) => open.test(text(file)));
  expect(found).toEqual([]);
});

test("every slow test that vitest.config.ts names exists", () => {
  const tests = files(/^test\/.*\.test\.ts$/);
  expect(SLOW.filter((pattern) => !tests.some((file) => file.endsWith(pattern.replace(/.*\//, "/"))))).toEqual([]);
});

test("a test that mocks modules has a process of its own, so that no other test meets the mocks", () => {
  const mocking = files(/^test\/(?!e2e\/).*\.test\.ts$/).filter((file) => /\bvi\.(mo[c]k|doMo[c]k)\(/.test(text(file)));
  expect(mocking.filter((file) => !SLOW.some((pattern) => file.endsWith(pattern.replace("test/**", ""))))).toEqual([]);
});

test("no test is skipped, alone or still to be written", () => {
  const found = files(/^test\/.*\.ts$/).filter((file) => /\b(it|test|describe)\.(skip|only|to[d]o)\b/.test(text(file)));
  expect(found).toEqual([]);
});

test("every dependency is pinned exactly", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json")) as Record<string, Record<string, string>>;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  );
  expect(loose).toEqual([]);
});

test("every dependency is explained in docs/dependencies.md", () => {
  const { dependencies, devDependencies } = JSON.parse(text("package.json")) as Record<string, Record<string, string>>;
  const explained = text("docs/dependencies.md");
  const silent = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !explained.includes(`\`${name}\``),
  );
  expect(silent).toEqual([]);
});

test("no committed file names a package registry's host or a private path of a machine", () => {
  const hosts = [
    "registry.npmjs" + ".org",
    "deb.debian" + ".org",
    "proxy.golang" + ".org",
    "pypi" + ".org",
    "crates" + ".io",
  ];
  const places = [
    ...hosts.map((host) => new RegExp(host.replaceAll(".", "\\."))),
    /(?<![\w.-])\/work\//,
    /\/root\/\.cache/,
  ];
  const found = everything.flatMap((file) =>
    places.filter((place) => place.test(text(file))).map((place) => `${file}: ${place}`),
  );
  expect(found).toEqual([]);
});

test("the order of the end-to-end tests names files that are there", () => {
  const all = new Set(files(/^test\/e2e\/.*\.test\.ts$/));
  expect(LONGEST.filter((file) => !all.has(file))).toEqual([]);
});
