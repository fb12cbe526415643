/**
 * Manages the token by which a person's credential sync reaches their own path in Vault: issued by a token role with
 * their policy alone, renewed long before its end, replaced by age with an overlap, and revoked when they are parked or
 * offboarded.
 */

import { z } from "zod";
import type { Vault } from "../../clients/vault/client.ts";
import {
  findTokenRole,
  issueToken,
  renewSelf,
  SHORTEST_PERIOD_S,
  type TokenRole,
  tokenRoleFaults,
  tokenRoleRemedy,
} from "../../clients/vault/token-roles.ts";
import { findToken, type Live, liveTokens, revoke } from "../../clients/vault/tokens.ts";
import { ProviderError } from "../runtime/errors.ts";
import { parseInputs, parseState } from "../runtime/parse-inputs.ts";
import { UNKNOWN } from "../runtime/property-values.ts";
import type { Resource } from "../runtime/provider.ts";
import { typedResource, type TypedResource } from "../runtime/typed-resource.ts";
import { DAY_MS, rotationOf } from "../token-rotation.ts";

const inputsSchema = z.object({
  /** Of the policy, which no other person's token carries. */
  name: z.string().regex(/^workstation-claude-[a-z_][a-z0-9_-]{0,31}$/, "must be the name of a workstation's policy"),
  role: z.string().regex(/^[A-Za-z0-9_-]+$/, "must be the name of a token role"),
  rotateAfterDays: z.number().positive(),
  overlapDays: z.number().nonnegative(),
  /** Another number replaces the token at once. */
  generation: z.int(),
  /** There is to be none: they are parked, they left, or their sync is off. */
  revoked: z.boolean(),
});
const stateSchema = inputsSchema.extend({
  token: z.string(),
  /** By it the token is looked up and revoked; it opens nothing. Empty where there is no token. */
  accessor: z.string(),
  periodSeconds: z.number(),
  issuedAtMs: z.number(),
  renewedAtMs: z.number(),
  previousAccessor: z.string().nullable(),
  retireAtMs: z.number().nullable(),
  /** How many of their tokens were live when last seen although there is to be none. A state without it is of a former version. */
  live: z.int().default(0),
});

type Inputs = z.output<typeof inputsSchema>;
type State = z.output<typeof stateSchema>;

export interface WorkstationTokenHost {
  /** Vault as the program reaches it. */
  readonly program: () => Vault;
  /** Vault as whoever holds this token reaches it. */
  readonly as: (token: string) => Vault;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function workstationToken({ program, as, now }: WorkstationTokenHost): Resource {
  /** One listing serves a run, since it looks up every token of Vault. */
  let liveInRun: Promise<readonly Live[]> | undefined;

  const issuedFor = async (owners: readonly Owner[], signal: AbortSignal): Promise<readonly Live[]> => {
    liveInRun ??= liveTokens(program(), signal);
    const live = await liveInRun;
    return live.filter((token) => owners.some((owner) => isIssuedFor(token, owner)));
  };

  /**
   * Revokes the tokens that the state knows and every other one that the role issued with the policy. The state does not know
   * all of them: a run was killed, the state was lost or is a backup, or Vault was restored from a snapshot.
   */
  const revokeAll = async (owners: readonly Owner[], known: readonly (string | null)[], call: RevokeCall) => {
    const { signal, except } = call;
    const accessors = known.flatMap((one) => (one === null || one === "" ? [] : [one]));
    // First, since the listing may fail.
    for (const accessor of accessors) await revoke(program(), { accessor }, signal);
    for (const { accessor } of await issuedFor(owners, signal))
      if (accessor !== except && !accessors.includes(accessor)) await revoke(program(), { accessor }, signal);
  };

  /** Issued last: nothing may fail after it and lose a value that is told only once. */
  const issue = async (inputs: Inputs, signal: AbortSignal): Promise<State> => {
    const found = await findTokenRole(program(), inputs.role, signal);
    const faults = tokenRoleFaults(found, POLICIES);
    if (faults.length > 0) throw unfit(inputs, found, faults);
    const { policies, ...made } = await issueToken(program(), inputs.role, inputs.name, signal);
    const { token, accessor, periodSeconds } = made;
    const wrong = [
      ...(policies.join() === inputs.name ? [] : [`gave the policies ${policies.join(", ")}`]),
      ...(periodSeconds >= SHORTEST_PERIOD_S
        ? []
        : [`gave a token of ${periodSeconds} s: raise Vault's max_lease_ttl`]),
    ];
    if (wrong.length > 0) {
      await revoke(program(), made, signal);
      throw unfit(inputs, found, wrong);
    }
    return {
      ...{ ...inputs, token, accessor, periodSeconds, issuedAtMs: now(), renewedAtMs: now() },
      ...{ previousAccessor: null, retireAtMs: null, live: 0 },
    };
  };

  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: ["token"],
    computed: [
      ...(["token", "accessor", "periodSeconds", "issuedAtMs"] as const),
      ...(["renewedAtMs", "previousAccessor", "retireAtMs", "live"] as const),
    ],
    replaceOn: [],
    differences: (state, inputs) => {
      const changed = (Object.keys(inputsSchema.shape) as (keyof Inputs)[]).filter(
        (field) => state[field] !== inputs[field],
      );
      const isLeft = inputs.revoked && state.live > 0 && !changed.includes("revoked");
      if (inputs.revoked || state.revoked) return [...changed, ...(isLeft ? (["revoked"] as const) : [])];
      const due = rotation(state, inputs, now());
      return [
        ...new Set([
          ...changed,
          ...(due.issue ? (["rotateAfterDays"] as const) : []),
          ...(due.retire || isRenewalDue(state, now()) ? (["overlapDays"] as const) : []),
        ]),
      ];
    },
    create: async (inputs, { signal }) => {
      await revokeAll([inputs], [], { signal });
      return { id: inputs.name, have: inputs.revoked ? withoutToken(inputs) : await issue(inputs, signal) };
    },
    read: async (id, state, { signal }) => {
      if (state === undefined)
        throw new ProviderError(`${id}: Vault never tells a token's value again; let the program issue its own`);
      if (state.revoked) {
        const { length: live } = await issuedFor([state], signal);
        return { have: { ...state, live }, want: pick(state) };
      }
      if ((await findToken(program(), state.accessor, signal)) === undefined) return undefined;
      const { previousAccessor } = state;
      const isPreviousLive =
        previousAccessor !== null && (await findToken(program(), previousAccessor, signal)) !== undefined;
      const found = isPreviousLive ? state : { ...state, previousAccessor: null, retireAtMs: null };
      return { have: found, want: pick(found) };
    },
    update: async (_, state, inputs, { signal }) => {
      if (inputs.revoked || state.revoked || BOUND.some((field) => state[field] !== inputs[field])) {
        await revokeAll([state, inputs], [state.accessor, state.previousAccessor], { signal });
        return inputs.revoked ? withoutToken(inputs) : issue(inputs, signal);
      }
      const due = rotation(state, inputs, now());
      const isLive = (await findToken(program(), state.accessor, signal)) !== undefined;
      const again = due.issue || !isLive;
      const { previousAccessor, retireAtMs } = state;
      const retires = previousAccessor !== null && (due.retire || again);
      if (retires || !isLive) await revokeAll([inputs], [previousAccessor], { signal, except: state.accessor });
      if (again) {
        const fresh = await issue(inputs, signal);
        if (!isLive) return fresh;
        return { ...fresh, previousAccessor: state.accessor, retireAtMs: now() + inputs.overlapDays * DAY_MS };
      }
      const renews = isRenewalDue(state, now());
      if (renews) await renewSelf(as(state.token), inputs.name, signal);
      return {
        ...state,
        ...inputs,
        renewedAtMs: renews ? now() : state.renewedAtMs,
        previousAccessor: retires ? null : previousAccessor,
        retireAtMs: retires ? null : retireAtMs,
      };
    },
    delete: (_, state, { signal }) => revokeAll([state], [state.accessor, state.previousAccessor], { signal }),
  };
  const resource = typedResource(type);
  return {
    ...resource,
    // What receives the token has to know in a preview that another one is coming.
    update: async (args, call) => {
      const state = await resource.update?.(args, call);
      if (state === undefined) throw new Error("workstation tokens are updated in place");
      if (!args.preview) return state;
      const { changes } = await resource.diff(args, call);
      return changes.some(({ path }) => REISSUING.has(path)) ? { ...state, token: UNKNOWN } : state;
    },
  };
}

/** Whose token one is: the policy that it carries, and the role that issued it. */
type Owner = Pick<Inputs, "name" | "role">;

interface RevokeCall {
  readonly signal: AbortSignal;
  /** Accessor of the one that stays. */
  readonly except?: string;
}

const isIssuedFor = ({ path, policies }: Live, { name, role }: Owner): boolean =>
  path === `auth/token/create/${role}` && policies.includes(name);

/** What the token role has to allow. */
const POLICIES = "workstation-claude-*";

/** Another one of these is another token, and the former one ends at once. */
const BOUND = ["name", "role", "generation"] as const;

const REISSUING: ReadonlySet<string> = new Set([...BOUND, "rotateAfterDays", "revoked"]);

const rotation = (state: State, rule: Inputs, nowMs: number) =>
  rotationOf(state, state.retireAtMs === null ? undefined : { retireAtMs: state.retireAtMs }, rule, nowMs);

/** Half of its life is left for deployments that fail or do not run. */
const isRenewalDue = ({ renewedAtMs, periodSeconds }: State, nowMs: number): boolean =>
  nowMs - renewedAtMs >= (periodSeconds * 1000) / 2;

const withoutToken = (inputs: Inputs): State => ({
  ...inputs,
  ...{ token: "", accessor: "", periodSeconds: 0, issuedAtMs: 0, renewedAtMs: 0 },
  ...{ previousAccessor: null, retireAtMs: null, live: 0 },
});

const unfit = ({ name, role }: Inputs, found: TokenRole | undefined, faults: readonly string[]) =>
  new ProviderError(
    `${name}: the token role "${role}" of Vault is not fit for it: ${faults.join("; ")}. ` +
      `An administrator of Vault makes it: ${tokenRoleRemedy(role, POLICIES, found)}`,
  );

const pick = (found: State): Inputs => inputsSchema.parse(found);
