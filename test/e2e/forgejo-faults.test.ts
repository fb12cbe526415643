/**
 * Tests the Forgejo provider against a forge that makes trouble: errors name the request and the server, and nothing is
 * concluded from half an answer. Needs root.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { forgejoProvider } from "../../providers/forgejo/provider.ts";
import { reveal, Secret } from "../../providers/runtime/property-values.ts";
import { type Between, type Fate, type Seen, standBetween } from "./fixtures/recording-proxy.ts";
import { drive, type Driven } from "./fixtures/resource-lifecycle.ts";
import { type ForgeWorld, openForgeWorld } from "./fixtures/forge-fixture.ts";

let world: ForgeWorld;
let between: Between;
let provider: Driven;
let member: string;

const PROTECTION = "forgejo:index:BranchProtection";
const WRITERS = "forgejo:index:BranchWriters";
const COLLABORATOR = "forgejo:index:Collaborator";
const TAGS = "forgejo:index:TagProtection";
const TOKEN = "forgejo:index:AccessToken";

const open = (password: string, url = between.url) =>
  drive(forgejoProvider(), {
    ...{ url, username: world.forge.adminUser, password: new Secret(password) },
    ...{ timeoutSeconds: "0.4", pauseMs: "1" },
  });

beforeAll(async () => {
  world = await openForgeWorld("faults");
  between = await standBetween(world.forge.url);
  provider = await open(world.forge.adminPassword);
  member = (await world.person("member")).login;
  await provider.up(PROTECTION, { ...branch(), deployKeys: true });
  await provider.up(COLLABORATOR, { ...place(), login: member, permission: "write" });
  await provider.up(WRITERS, writers());
});
afterEach(() => {
  between.fate = () => "pass";
  between.seen.length = 0;
});
afterAll(async () => {
  await between.close();
  await world.end();
});

const place = () => ({ owner: world.owner, repo: world.repo });
const branch = () => ({ ...place(), branch: "master" });
const writers = () => ({
  ...branch(),
  push: [world.forge.adminUser, member],
  merge: [world.forge.adminUser, member],
  members: [member],
});
const token = () => ({
  login: member,
  name: "workstation-f",
  scopes: ["write:repository"],
  rotateAfterDays: 30,
  overlapDays: 3,
});

/** What the forge has, asked of itself and not through whatever stands between. */
const present = async () => {
  const [people, rule, tokens] = await Promise.all([
    world.api(world.forge.admin, "GET", "/collaborators"),
    world.api(world.forge.admin, "GET", "/branch_protections/master"),
    world.forge.api.ask("GET", `users/${member}/tokens`),
  ]);
  const { updated_at: _, ...rest } = rule.body as Record<string, unknown>;
  return [
    (people.body as { login: string }[]).map(({ login }) => login),
    rest,
    (tokens.body as { id: number }[]).map(({ id }) => id),
  ];
};

const HTML = { status: 200, type: "text/html", body: "<html>sign in first</html>" };
const FAULTS: readonly (readonly [string, Fate, RegExp])[] = [
  ["answers 500", { status: 500, body: '{"message":"boom"}' }, /status 500; it says "boom"/],
  [
    "answers 502 with a page",
    { status: 502, type: "text/html", body: "<html>bad gateway</html>" },
    /status 502; its answer is not JSON/,
  ],
  [
    "answers 429",
    { status: 429, body: '{"message":"slow down"}', headers: { "retry-after": "0" } },
    /status 429; rate limited/,
  ],
  ["answers with a sign-in page", HTML, /its answer is not JSON: is this the forge's own address/],
  [
    "answers 404 with a page of a proxy",
    { status: 404, type: "text/html", body: "<html>no such host</html>" },
    /status 404.*not JSON/,
  ],
  [
    "is redirected",
    { status: 302, body: "", headers: { location: "http://127.0.0.1:9/" } },
    /status 302; it is redirected|status 302/,
  ],
  [
    "answers something else than was asked",
    { status: 200, body: '{"unexpected":true}' },
    /not of the expected form|status 200/,
  ],
  ["hangs", "hang", /no whole answer within 0\.4 s/],
  ["cuts the connection", "cut", /the connection was cut|socket hang up/],
];

test.each(FAULTS)(
  "when the forge %s, the error says what was asked of whom and nothing is taken away",
  async (_, fate, sentence) => {
    const before = await present();
    between.fate = () => fate;
    const steps = [
      provider.up(COLLABORATOR, { ...place(), login: member, permission: "none" }),
      provider.up(PROTECTION, { ...branch(), deployKeys: true }),
      provider.up(WRITERS, { ...writers(), push: [] }),
      provider.invoke("forgejo:index:auditRepository", branch()),
      provider.import(COLLABORATOR, `${world.owner}/${world.repo}/${member}`),
      provider.up(TOKEN, token()),
      provider.up(TAGS, { ...place(), pattern: "confirm/*", pushers: [] }),
      provider.import(TAGS, `${world.owner}/${world.repo}/confirm/*`),
    ];
    const said = await Promise.all(
      steps.map((step) =>
        step.then(
          () => "it went through",
          (cause: Error) => cause.message,
        ),
      ),
    );
    for (const message of said) {
      expect(message).toMatch(sentence);
      expect(message).toMatch(
        new RegExp(
          `^cannot .*: (GET|PUT|PATCH|POST|DELETE) http://127\\.0\\.0\\.1:\\d+ /.* as ${world.forge.adminUser}: `,
        ),
      );
      expect(message).not.toContain(world.forge.adminPassword);
    }
    between.fate = () => "pass";
    expect(await present()).toEqual(before);
  },
);

test("wrong credentials are told as such, without the password", async () => {
  const wrong = await open("not-the-password");
  const failed = wrong.up(COLLABORATOR, { ...place(), login: member, permission: "write" });
  await expect(failed).rejects.toThrow(/status 401; the credentials are not accepted/);
  await expect(failed).rejects.not.toThrow(/not-the-password/);
});

test("an account without the right is told as such", async () => {
  const person = await world.person("nobody");
  const weak = await drive(forgejoProvider(), {
    url: between.url,
    username: person.login,
    password: new Secret(person.password),
  });
  await expect(weak.up(TOKEN, token())).rejects.toThrow(
    /status 403; this account may not do that: it has to be an administrator/,
  );
  await expect(weak.up(PROTECTION, { ...branch(), deployKeys: true })).rejects.toThrow(
    /there is no repository .* or this account may not see it/,
  );
});

test("a login and a repository that do not exist are named", async () => {
  await expect(provider.up(COLLABORATOR, { ...place(), login: "no-such-login", permission: "write" })).rejects.toThrow(
    /the forge knows no account "no-such-login"/,
  );
  await expect(provider.up(TOKEN, { ...token(), login: "no-such-login" })).rejects.toThrow(
    /the forge knows no account "no-such-login"/,
  );
  await expect(
    provider.up(PROTECTION, { owner: world.owner, repo: "no-such-repo", branch: "master", deployKeys: true }),
  ).rejects.toThrow(new RegExp(`there is no repository ${world.owner}/no-such-repo`));
});

const isPage = ({ path }: Seen, page: number) => path.includes("/collaborators?") && path.includes(`page=${page}&`);

test("a listing that is cut off after its first page is an error, not a short list", async () => {
  between.fate = (seen) =>
    isPage(seen, 1)
      ? {
          change: (body, headers) => {
            headers["x-total-count"] = "7";
            return body;
          },
        }
      : "pass";
  await expect(provider.invoke("forgejo:index:auditRepository", branch())).rejects.toThrow(
    /cannot list the collaborators of .*: the listing is not whole \(1 of 7 entries came\); nothing is concluded/,
  );
});

test("a listing that repeats its first page for ever ends in an error", async () => {
  const first = JSON.stringify([{ login: "a" }, { login: "b" }]);
  between.fate = ({ path }) => (path.includes("/collaborators?") ? { status: 200, body: first } : "pass");
  await expect(provider.invoke("forgejo:index:auditRepository", branch())).rejects.toThrow(/page 2 repeats an entry/);
});

test("a listing is followed to its empty page, whatever size the server's pages have", async () => {
  const everybody = Array.from({ length: 7 }, (_, i) => ({ login: `p${i}` }));
  between.fate = ({ path }) => {
    const page = Number(/collaborators\?.*page=(\d+)/.exec(path)?.[1] ?? 0);
    if (page === 0) return path.includes("/permission") ? { status: 200, body: '{"permission":"read"}' } : "pass";
    const body = JSON.stringify(everybody.slice((page - 1) * 3, page * 3));
    return { status: 200, body, headers: { "x-total-count": "7" } };
  };
  const audit = await provider.invoke("forgejo:index:auditRepository", branch());
  expect((audit.collaborators as unknown as { login: string }[]).map(({ login }) => login)).toEqual(
    everybody.map(({ login }) => login),
  );
});

test("a rule that is written but does not come back as asked is an error", async () => {
  between.fate = ({ method, path }) =>
    method === "GET" && path.endsWith("/branch_protections/master")
      ? { change: (body) => JSON.stringify({ ...JSON.parse(body), enable_push_whitelist: false }) }
      : "pass";
  await expect(provider.up(PROTECTION, { ...branch(), deployKeys: true })).rejects.toThrow(
    /not protected as it should be, although it was written: everybody with write access may push/,
  );
});

test("what is safe to repeat is tried again, and a token is never issued twice for one wish", async () => {
  let left = 2;
  between.fate = ({ method }) => (method === "GET" && left-- > 0 ? { status: 503, body: "{}" } : "pass");
  await provider.up(COLLABORATOR, { ...place(), login: member, permission: "write" });
  expect(left).toBeLessThan(0);

  // The token is issued, and the answer that tells its value is lost.
  between.fate = ({ method, path }) => (method === "POST" && path.endsWith("/tokens") ? "hang" : "pass");
  await expect(provider.up(TOKEN, token())).rejects.toThrow(/no whole answer/);
  expect(between.seen.filter(({ method, path }) => method === "POST" && path.endsWith("/tokens"))).toHaveLength(1);
});

test("a token whose value was lost on the way is revoked by the next run, and exactly one is left", async () => {
  between.fate = ({ method, path }) => (method === "POST" && path.endsWith("/tokens") ? { change: () => "" } : "pass");
  await expect(provider.up(TOKEN, token())).rejects.toThrow(/its answer is not JSON/);
  expect((await present())[2]).toHaveLength(1);
  between.fate = () => "pass";
  const { kept } = await provider.up(TOKEN, token());
  expect((await present())[2]).toEqual([kept.state.tokenId]);
  await provider.delete(kept);
});

test("wherever a run fails on the way, the wall stands and only members are on its lists; the next run ends it", async () => {
  const joiner = (await world.person("joiner")).login;
  const lists = {
    ...writers(),
    push: [world.forge.adminUser, joiner],
    merge: [world.forge.adminUser, joiner],
    members: [member, joiner],
  };
  const run = async () => {
    await provider.up(PROTECTION, { ...branch(), deployKeys: true });
    await provider.up(COLLABORATOR, { ...place(), login: joiner, permission: "write" });
    await provider.up(WRITERS, lists);
  };
  const outcomes: boolean[] = [];
  for (let allowed = 0; outcomes.at(-1) !== true && allowed < 9; allowed += 1) {
    let writes = 0;
    between.fate = ({ method }) => {
      if (method !== "GET") writes += 1;
      return writes > allowed ? { status: 500, body: "{}" } : "pass";
    };
    outcomes.push(
      await run().then(
        () => true,
        () => false,
      ),
    );
    between.fate = () => "pass";
    const [people, rule] = await present();
    const {
      push_whitelist_usernames: push,
      merge_whitelist_usernames: merge,
      ...wall
    } = rule as Record<string, unknown>;
    expect(wall).toMatchObject({ enable_push_whitelist: true, enable_merge_whitelist: true, enable_force_push: false });
    const members = [world.forge.adminUser, ...(people as string[])];
    expect([...(push as string[]), ...(merge as string[])].filter((login) => !members.includes(login))).toEqual([]);
  }
  // One write each for the wall, the person and the lists: it fails before each of them, then goes through.
  expect(outcomes).toEqual([false, false, false, true]);
  expect(((await present())[1] as Record<string, unknown>).push_whitelist_usernames).toEqual(
    [joiner, world.forge.adminUser].sort(),
  );
  await provider.up(WRITERS, writers());
});

test("an answer that repeats the password, or a token, does not bring it into an error", async () => {
  const { adminUser, adminPassword } = world.forge;
  const echo = [
    adminPassword,
    encodeURIComponent(adminPassword),
    Buffer.from(`${adminUser}:${adminPassword}`).toString("base64"),
  ];
  between.fate = () => ({
    status: 422,
    body: JSON.stringify({ message: `you sent ${echo.join(" and ")}\u001b[31m\n::set-env` }),
  });
  const message = await provider.up(COLLABORATOR, { ...place(), login: member, permission: "write" }).then(
    () => "",
    (cause: Error) => cause.message,
  );
  expect(message).toContain("you sent [secret] and [secret] and [secret]");
  for (const secret of echo) expect(message).not.toContain(secret);
  expect(message).not.toMatch(/\p{Cc}/u);
});

test("the value of a token is a secret wherever it stands in the state", async () => {
  const { kept } = await provider.up(TOKEN, token());
  const value = String(reveal(kept.state.token ?? ""));
  expect([kept.state.token instanceof Secret, value.length]).toEqual([true, 40]);
  expect(JSON.stringify({ ...kept.state, token: null, said: provider.said })).not.toContain(value);
  await provider.delete(kept);
});
