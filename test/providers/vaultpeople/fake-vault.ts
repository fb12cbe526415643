/** Serves a made-up Vault on loopback that issues, renews and revokes tokens, and drives the provider against it. */

import { vaultPeopleProvider } from "../../../providers/vaultpeople/provider.ts";
import { Secret } from "../../../providers/runtime/property-values.ts";
import { type Reply, startHttpServer } from "../../clients/http-server.ts";
import { drive, type Driven } from "../../e2e/fixtures/resource-lifecycle.ts";

interface FakeToken {
  readonly value: string;
  readonly policies: readonly string[];
  readonly path: string;
  renewals: number;
}

export interface FakeVault {
  /** Each call is a run of its own, as the engine starts the provider anew for each. */
  readonly provider: Pick<Driven, "up" | "refresh" | "delete">;
  /** One run. */
  run(): Promise<Driven>;
  /** Live tokens by their accessors. */
  readonly tokens: Map<string, FakeToken>;
  /** How many listings of all tokens were asked for so far. */
  listings(): number;
  /** `METHOD path` of every request so far that changes something. */
  writes(): readonly string[];
  /** The clock that the provider goes by. */
  clock: { days: number };
  /** Answers in place of Vault, where a test needs it. */
  instead: { reply?: ((method: string, path: string) => Reply | undefined) | undefined };
  /** What the token role says of itself; undefined where there is none. */
  role: { data?: object | undefined };
  end(): Promise<void>;
}

export const PROGRAM = "hvs.token-of-the-program";
const LISTING = "auth/token/accessors/?list=true";
const CREATE = "auth/token/create/workstation-claude";
export const FIT = {
  ...{ orphan: true, renewable: true, token_period: 2_764_800, token_type: "service", token_no_default_policy: true },
  allowed_policies_glob: ["workstation-claude-*"],
};

export async function fakeVault(): Promise<FakeVault> {
  const tokens = new Map<string, FakeToken>();
  const clock = { days: 0 };
  const instead: FakeVault["instead"] = {};
  const role: FakeVault["role"] = { data: FIT };
  let serial = 0;
  const refused = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });
  const found = (data: object): Reply => ({ status: 200, body: { data } });
  const byAccessor = (sent: unknown): [string, FakeToken | undefined] => {
    const { accessor } = sent as { readonly accessor: string };
    return [accessor, tokens.get(accessor)];
  };
  const asProgram = (method: string, path: string, sent: unknown): Reply => {
    if (path === "auth/token/roles/workstation-claude")
      return role.data === undefined ? refused(404) : found(role.data);
    if (path === CREATE) {
      const { policies } = sent as { readonly policies: readonly string[] };
      serial += 1;
      const made = { value: `hvs.secret-${serial}`, policies, path: CREATE, renewals: 0 };
      tokens.set(`accessor-${serial}`, made);
      const auth = { client_token: made.value, accessor: `accessor-${serial}`, policies, lease_duration: 2_764_800 };
      return { status: 200, body: { auth } };
    }
    if (path === LISTING) return found({ keys: ["program", ...tokens.keys()] });
    const [accessor, token] = sent === null ? ["", undefined] : byAccessor(sent);
    if (accessor === "program" && path === "auth/token/lookup-accessor")
      return found({
        accessor,
        entity_id: "",
        policies: ["workstation-program"],
        path: "auth/token/create",
        meta: null,
      });
    if (token === undefined) return refused(400, "1 error occurred:\n\t* invalid accessor\n\n");
    if (path === "auth/token/lookup-accessor")
      return found({ accessor, entity_id: "", policies: token.policies, path: token.path, meta: null });
    if (path === "auth/token/revoke-accessor") {
      tokens.delete(accessor);
      return { status: 200, body: {} };
    }
    return refused(404, `${method} ${path} is not served`);
  };
  const server = await startHttpServer((method, url, sent, headers) => {
    const path = url.replace("/v1/", "");
    const other = instead.reply?.(method, path);
    if (other !== undefined) return other;
    if (headers["x-vault-token"] === PROGRAM) return asProgram(method, path, sent);
    const own = [...tokens.values()].find(({ value }) => value === headers["x-vault-token"]);
    if (own === undefined || path !== "auth/token/renew-self") return refused(403, "permission denied");
    own.renewals += 1;
    return { status: 200, body: { auth: { lease_duration: 2_764_800 } } };
  });
  const run = () =>
    drive(
      vaultPeopleProvider(() => clock.days * 86_400_000),
      { address: server.address, token: new Secret(PROGRAM), timeoutSeconds: "5", pauseMs: "1" },
    );
  return {
    run,
    provider: {
      up: async (...args) => (await run()).up(...args),
      refresh: async (kept) => (await run()).refresh(kept),
      delete: async (kept) => (await run()).delete(kept),
    },
    listings: () => server.asked.filter((one) => one === `GET /v1/${LISTING}`).length,
    ...{ tokens, clock, instead, role },
    writes: () =>
      server.asked
        .filter((one) => /create|revoke|renew/.test(one))
        .map((one) => one.replace(/^\w+ \/v1\/auth\/token\//, "")),
    end: () => server.stop(),
  };
}
