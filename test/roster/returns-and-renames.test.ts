/** Tests what the plan and the limits make of a return, and of a change that only looks like a rename. */

import { describe, expect, test } from "vitest";
import type { Ledger } from "../../roster/model.ts";
import { type Surface, withoutSurface } from "../../roster/undelivered-changes.ts";
import { derived, linesOf, rosterOf, row, SURFACES, tried } from "./support.ts";

const ADA = row("ada", "", "admin");
const ZOE = row("zoe", "", "admin");
const team = (...rows: readonly string[]) => rosterOf(ADA, ZOE, ...rows);
const ledgerAfter = (...rosters: readonly string[]): Ledger => {
  const [first = "", ...more] = rosters;
  return more.reduce((ledger, text) => derived(text, { ledger }).desired.ledger, derived(first).desired.ledger);
};

describe("the plan of a return", () => {
  const full = row(
    "bob",
    "namespaces: [shop, books]\nemail: bob@x.org\nforgejo: {login: Bob, push: true}\ncode_layout: workspace\nrepos: [web]",
    "namespace-owner",
  );
  const gone = ledgerAfter(team(full), team());
  const hosts = ["devvm", "other"] as never;
  const planOf = (text: string, ledger = gone) => derived(text, { ledger, stack: { hosts } }).plan.join("\n");

  test("says what comes back, and that no token does", () => {
    expect(planOf(team(full))).toMatch(
      /^bob returns .* has account and home back as they are; gets new tokens: those of before stay revoked\.$/,
    );
  });

  const reaching = (run: ReturnType<typeof derived>, ...complete: readonly Surface[]) => ({
    ledger: run.desired.ledger,
    undelivered: complete.reduce(withoutSurface, run.undelivered),
  });

  test.each([
    ["a host that no run reached", ["forge", "cluster", "Vault"] as const, true],
    ["a host that every run reached", SURFACES, false],
  ])("to %s promises only the home that is there", (_what, complete, isUnsure) => {
    const joined = derived(team(row("bob")), reaching(derived(team()), ...SURFACES));
    const left = derived(team(), reaching(joined, ...complete));
    const plan = derived(team(row("bob")), reaching(left, ...complete)).plan.join("\n");
    const home = isUnsure
      ? "keeps a clone of infra that is there as it is; a missing one is cloned, locked; has account and home back as they are where devvm has them already, and new ones otherwise;"
      : "keeps the clone of infra as it is; a missing one is cloned anew, locked; has account and home back as they are; gets";
    expect(plan).toContain(home);
  });

  test("to a host that the person was moved to and never reached promises only the home that is there", () => {
    const surfaces: readonly Surface[] = ["forge", "cluster", "Vault", "host devvm", "host other"];
    const stack = { hosts, confirmLeave: ["bob"] };
    const reached = surfaces.filter((surface) => surface !== "host other");
    const moved = team(row("bob", "host: other"));
    const first = derived(team(row("bob")), { stack, surfaces });
    const second = derived(moved, { stack, surfaces, ...reaching(first, ...surfaces) });
    const third = derived(team(), { stack, surfaces, ...reaching(second, ...reached) });
    const back = derived(moved, { stack, surfaces, ...reaching(third, ...reached) });
    expect(back.plan[0]).toContain("as they are where other has them already, and new ones otherwise");
  });

  test("after a removal for good does not say that a namespace was kept", () => {
    const stack = { removed: ["bob"] };
    const removed = derived(team(), { ledger: gone, stack }).desired.ledger;
    const plan = planOf(team(full.replace("[shop, books]", "[mill]")), removed);
    expect(plan).toContain(
      "namespaces shop and books (as the removal left it: kept, or deleted and made again empty); gets namespace mill",
    );
    expect(plan).not.toContain("kept with everything in it");
  });

  test("names every right that does not come back, and what stays where it is", () => {
    const plan = planOf(team(row("bob").replace("authentik_user: bob", "authentik_user: rob")));
    expect(plan).toContain(
      "does not get back what they had as login bob (now rob; if that is a rename, say so in previously), what they had as " +
        "e-mail bob@x.org, what they had as Forgejo login Bob, access to their secrets in Vault, the sign-in of their pipelines, " +
        "direct push to the protected branch and namespaces shop and " +
        "books (kept with everything in it); gets the login rob and the rights of tier power-user (until now namespace-owner), " +
        "which they did not have on their last day;",
    );
    expect(plan).toContain("keeps the clone of web, which is no longer looked after");
  });

  test("on another host speaks of no home that comes back", () => {
    const plan = planOf(team(`${full}    host: other\n`));
    expect(plan).toContain("gets a new home on other");
    expect(plan).toContain("does not get back their place on devvm (account and home stay there, locked)");
    expect(plan).toContain("gets a locked clone of infra and web beside it");
  });

  test("under another name says whose account it is", () => {
    const plan = planOf(team(full.replace("  bob:", "  rob:").concat("    previously: {os_user: bob}\n")));
    expect(plan).toContain("rob returns as namespace-owner");
    expect(plan).toContain("is the new name of bob; /home/bob becomes /home/rob, with a link at the former path");
  });

  test("after a removal for good promises a home or a clone only where the removal left one", () => {
    const ledger = derived(team(), { ledger: gone, stack: { removed: ["bob"] } }).desired.ledger;
    const plan = planOf(team(row("bob")), ledger);
    expect(plan).toContain("keeps a clone of infra that is there as it is; a missing one is cloned, locked;");
    expect(plan).toContain(
      "gets a new home where the removal deleted the former one on devvm; one that is there stays;",
    );
    const elsewhere = planOf(team(row("bob", "host: other")), ledger);
    expect(elsewhere).toContain("gets a locked clone of infra; gets a new home on other;");
    expect(elsewhere).toContain("their place on devvm (account and home are as the removal left them)");
  });

  test("names other ports where theirs were given to somebody, and the same ones as theirs", () => {
    const removed = derived(team(), { ledger: gone, stack: { removed: ["bob"] } }).desired.ledger;
    const taken = derived(team(row("cat")), { ledger: removed }).desired.ledger;
    expect(planOf(team(row("bob"), row("cat")), taken)).toContain(
      "with the same uid 20001 and the ports 3776 and 8934, since others have ports that were theirs; keeps a clone",
    );
    expect(planOf(team(row("bob")), removed)).toContain("and the ports 3774 and 8932; keeps a clone");
  });

  test("says where tokens may still be valid that the leave did not revoke", () => {
    const known = ledgerAfter(team(full));
    const left = derived(team(), { ledger: known });
    const undelivered = withoutSurface(left.undelivered, "cluster");
    const back = derived(team(full), { ledger: left.desired.ledger, undelivered });
    const said =
      "gets new tokens where the leave revoked those of before; on forge and Vault, which it may not have reached, those may stay valid";
    expect(back.plan.join()).toContain(said);
    const retry = derived(team(full), { ledger: back.desired.ledger, undelivered: back.undelivered });
    expect(retry.plan.join()).toContain(
      "gets new tokens where the leave revoked those of before. An earlier deployment",
    );
    const done = withoutSurface(withoutSurface(undelivered, "forge"), "Vault");
    expect(derived(team(full), { ledger: left.desired.ledger, undelivered: done }).plan.join()).toContain(
      "gets new tokens: those of before stay revoked",
    );
  });

  test("speaks of git's settings only where there is a home that has them", () => {
    const changed = full.replace("bob@x.org", "rob@x.org");
    const kept = "keeps git's user.email as it is";
    const removed = derived(team(), { ledger: gone, stack: { removed: ["bob"] } }).desired.ledger;
    expect(planOf(team(changed))).toContain(kept);
    expect(planOf(team(changed), removed)).not.toContain(kept);
    expect(planOf(team(`${changed}    host: other\n`))).not.toContain(kept);
    expect(planOf(team(`${changed}    host: other\n`), ledgerAfter(team(full)))).not.toContain(kept);
  });
});

test("an account that is taken over keeps the clones that are in its home", () => {
  const joins = (fields: string, adoptExisting: string[]) =>
    derived(team(row("bob", fields)), { ledger: ledgerAfter(team()), stack: { adoptExisting } }).plan.join();
  expect(joins("", ["bob"])).toContain(
    "keeps a clone of infra that is there as it is; a missing one is cloned, locked; takes over an account",
  );
  expect(joins("code_layout: workspace\nrepos: [web]", ["bob"])).toContain(
    "keeps clones of infra and web that are there as they are; missing ones are cloned, infra locked",
  );
  expect(joins("", [])).toContain("gets a locked clone of infra");
});

test("an e-mail of two renames ago is told as an earlier one of the same person", () => {
  const mail = (email: string, more = "") => team(row("bob", `email: ${email}${more}`));
  const twice = ledgerAfter(mail("b1@x.org"), mail("b2@x.org"));
  const told = derived(mail("b3@x.org", "\npreviously: {email: b1@x.org}"), { ledger: twice });
  expect(told.warnings.map(({ message }) => message)).toEqual([
    'previously.email: "b1@x.org" is an earlier e-mail of bob by the ledger, so this is no rename: bob had "b2@x.org"; write that if the two are one account, or remove this line',
  ]);
});

test("a line of an earlier rename is told from a value that nobody has", () => {
  const forge = (login: string | undefined, more = "") =>
    team(row("bob", `${login === undefined ? "" : `forgejo: {login: ${login}}`}${more}`));
  const formerly = "\npreviously: {forgejo_login: bob}";
  const renamed = ledgerAfter(forge("bob"), forge("bob2", formerly));
  const warned = (text: string, ledger: Ledger) =>
    derived(text, { ledger })
      .warnings.map(({ message }) => message)
      .filter((message) => message.startsWith("previously"));
  // The account is given access again: nothing is renamed.
  const without = derived(forge(undefined), { ledger: renamed }).desired.ledger;
  expect(warned(forge("bob2", formerly), without)).toEqual([]);
  const twice = derived(forge("bob3", formerly), { ledger: renamed });
  expect(twice.warnings.map(({ message }) => message)).toEqual([
    'previously.forgejo_login: "bob" is an earlier Forgejo login of bob by the ledger, so this is no rename: bob had "bob2"; write that if the two are one account, or remove this line',
  ]);
  expect(twice.plan.join()).toContain("(now bob3; no rename: previously names bob and not bob2)");
});

const FIELDS = [
  ["authentik_user", "login", (value: string) => row("bob").replace("authentik_user: bob", `authentik_user: ${value}`)],
  ["email", "e-mail", (value: string) => row("bob", `email: ${value}`)],
  ["forgejo_login", "Forgejo login", (value: string) => row("bob", `forgejo: {login: ${value}}`)],
] as const;

describe.each(FIELDS)("a changed value with previously.%s", (field, what, bob) => {
  const [own, cats, next] = field === "email" ? ["b@x.org", "c@x.org", "n@x.org"] : ["bob", "cat", "new"];
  const named = (text: string, name: string) =>
    text.replaceAll(/\bbob:/g, `${name}:`).replace("k8s_user: bob", `k8s_user: ${name}`);
  const asCat = (value: string) => {
    const text = named(bob(value), "cat");
    return field === "authentik_user" ? text : text.replace("authentik_user: bob", "authentik_user: cat");
  };
  const formerly = (text: string, value: string) => `${text}    previously: {${field}: ${value}}\n`;
  const stays = field === "email" ? "; keeps git's user.email as it is" : "";
  const ledger = ledgerAfter(team(bob(own), asCat(cats)));
  const changes = (...rows: readonly string[]) => {
    const result = derived(team(...rows), { ledger, stack: { removalLimit: 0 } });
    const warned = result.warnings.filter(({ path }) => path.includes("previously"));
    return { plan: result.plan, brakes: result.brakes.map(({ people }) => people.join()), warned };
  };

  test("is a rename where it is one account, however its case is written", () => {
    const renamed = [
      `bob ${field === "email" ? "keeps git's user.email as it is; " : ""}is renamed: ${what} ${own} becomes ${next}.`,
    ];
    expect(changes(formerly(bob(next), own), asCat(cats))).toEqual({ plan: renamed, brakes: [], warned: [] });
    expect(changes(formerly(bob(next), own.toUpperCase()), asCat(cats)).plan).toEqual(renamed);
  });

  test("is two losses where two people exchange it, and the limits count both", () => {
    const { plan, brakes } = changes(formerly(bob(cats), own), formerly(asCat(own), cats));
    expect([plan, brakes]).toEqual([
      [
        `bob loses what they had as ${what} ${own} (now ${cats}; ${own} is cat's from now on); gets the ${what} ${cats} (formerly cat's)${stays}.`,
        `cat loses what they had as ${what} ${cats} (now ${own}; ${cats} is bob's from now on); gets the ${what} ${own} (formerly bob's)${stays}.`,
      ],
      ["bob,cat"],
    ]);
  });

  test("is a loss where somebody else has the former value from now on", () => {
    const { plan, brakes } = changes(formerly(bob(next), own), formerly(asCat(own), cats));
    expect(plan[0]).toBe(
      `bob loses what they had as ${what} ${own} (now ${next}; ${own} is cat's from now on); gets the ${what} ${next}${stays}.`,
    );
    expect(brakes).toEqual(["bob,cat"]);
  });

  test("is a loss where the new value is that of somebody who leaves", () => {
    const { plan, brakes } = changes(formerly(bob(cats), own));
    expect(plan.at(-1)).toBe(
      `bob loses what they had as ${what} ${own} (now ${cats}); gets the ${what} ${cats} (formerly cat's)${stays}.`,
    );
    expect(brakes).toEqual(["bob,cat"]);
  });

  test("is a loss and a warning where previously names a value that they did not have", () => {
    const nobody = changes(formerly(bob(next), field === "email" ? "x@x.org" : "nemo"), asCat(cats));
    expect(nobody.brakes).toEqual(["bob"]);
    expect(nobody.plan.join()).toContain("no rename: previously names");
    expect(nobody.warned.map(({ severity, path, message }) => [severity, path, message])).toEqual([
      [
        "warning",
        `users.bob.previously.${field}`,
        expect.stringMatching(
          /nobody has the .* by the ledger, so this is no rename: bob had ".*"; write that if the two are one account, or remove this line$/,
        ),
      ],
    ]);
    const [warning] = changes(formerly(bob(next), cats), asCat(cats)).warned;
    expect(warning?.message).toContain(`"${cats}" is cat's ${what} by the ledger, so this is no rename`);
  });

  test("is refused where two rows claim it", () => {
    expect(linesOf(team(formerly(bob(next), own), formerly(asCat(cats), own)))).toEqual([
      expect.stringContaining(`cat: previously.${field}: "${own}" is already bob's`),
    ]);
  });

  test("of an exchange is held back while addsOnly is on", () => {
    const text = team(formerly(bob(cats), own), formerly(asCat(own), cats));
    const held = derived(text, { ledger, stack: { addsOnly: true } });
    expect(held.changes.filter(({ lost }) => lost.length > 0)).toEqual([]);
    expect(held.heldBack.map(({ who }) => who)).toEqual(["bob", "cat"]);
  });

  test("of an exchange that failed on a surface is announced again as one", () => {
    const text = team(formerly(bob(cats), own), formerly(asCat(own), cats));
    const first = derived(text, { ledger });
    const again = derived(text, { ledger: first.desired.ledger, undelivered: first.undelivered });
    expect(again.plan.join("\n")).toContain(`gets the ${what} ${own} (formerly bob's)${stays}. An earlier deployment`);
    expect(again.plan.join("\n")).not.toContain("is renamed");
  });
});

test("a renamed k8s_user of an owner ends the access to the secrets below the former one, and counts", () => {
  const shop = (k8sUser: string, more = "") =>
    row("bob", `namespaces: [shop]${more}`, "namespace-owner").replace("k8s_user: bob", `k8s_user: ${k8sUser}`);
  const ledger = ledgerAfter(team(shop("bob")));
  const renamed = team(shop("rob", "\npreviously: {k8s_user: bob}"));
  const { plan, brakes } = derived(renamed, { ledger, stack: { removalLimit: 0 } });
  expect([plan, brakes.map(({ people }) => people)]).toEqual([
    [
      "bob loses access to their secrets in Vault below bob; is renamed: k8s_user bob becomes rob; their secrets in Vault stay below bob, from where an admin moves them.",
    ],
    [["bob"]],
  ]);
  const held = derived(renamed, { ledger, stack: { addsOnly: true } });
  expect([held.changes, held.heldBack.map(({ who }) => who)]).toEqual([[], ["bob"]]);
});

test("a former name of somebody's account is told with the name that it has today", () => {
  const rename = (name: string, former: string) =>
    row(name, `previously: {os_user: ${former}}`).replace(/: (?:rob|rab)$/gm, ": bob");
  const ledger = ledgerAfter(team(row("bob")), team(rename("rob", "bob")));
  const result = tried(team(rename("rab", "bob")), { ledger });
  expect(result.ok ? [] : result.problems.map(({ message }) => message)).toContain(
    'previously.os_user: that is a former name of rob, so rab gets a new account and nobody is renamed; write "rob" if the two are one person, or remove this line',
  );
});

test("an account that passes to another login leaves no admin, and nobody, behind", () => {
  const alone = derived(rosterOf(ADA)).desired.ledger;
  const kinds = (text: string) => derived(text, { ledger: alone }).brakes.map(({ kind }) => kind);
  const eve = row("eve", "previously: {os_user: ada}", "admin").replace("k8s_user: eve", "k8s_user: ada");
  expect(kinds(rosterOf(eve))).toEqual(["last-person", "fewest-admins"]);
  expect(kinds(rosterOf(eve.replace("os_user: ada", "os_user: ada, authentik_user: ada")))).toEqual([]);
  expect(kinds(rosterOf(ADA.replace("authentik_user: ada", "authentik_user: Ada")))).toEqual([]);
});
