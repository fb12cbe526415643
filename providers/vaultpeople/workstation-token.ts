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
  tokenRoleCommand,
  tokenRoleFaults,
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
  /** One reading serves every token that a run creates. */
  let liveAtStart: Promise<readonly Live[]> | undefined;

  /** Without a resource yet, whatever was issued for it is of a run that was killed, or of a state that was lost. */
  const revokeForgotten = async ({ name, role }: Inputs, signal: AbortSignal) => {
    liveAtStart ??= liveTokens(program(), signal);
    const path = `auth/token/create/${role}`;
    const forgotten = (await liveAtStart).filter((token) => token.path === path && token.policies.includes(name));
    for (const token of forgotten) await revoke(program(), token, signal);
  };

  /** Issued last: nothing may fail after it and lose a value that is told only once. */
  const issue = async (inputs: Inputs, signal: AbortSignal): Promise<State> => {
    const faults = tokenRoleFaults(await findTokenRole(program(), inputs.role, signal), POLICIES);
    if (faults.length > 0) throw unfit(inputs, faults);
    const { policies, ...made } = await issueToken(program(), inputs.role, inputs.name, signal);
    if (policies.join() !== inputs.name) {
      await revoke(program(), made, signal);
      throw unfit(inputs, [`gave the policies ${policies.join(", ")}`]);
    }
    return { ...inputs, ...made, issuedAtMs: now(), renewedAtMs: now(), previousAccessor: null, retireAtMs: null };
  };

  const revokeBoth = async ({ accessor, previousAccessor }: State, signal: AbortSignal) => {
    for (const one of [accessor, previousAccessor ?? ""])
      if (one !== "") await revoke(program(), { accessor: one }, signal);
  };

  const type: TypedResource<Inputs, State> = {
    parse: parseInputs(inputsSchema),
    remember: parseState(stateSchema),
    secrets: ["token"],
    computed: [
      ...(["token", "accessor", "periodSeconds", "issuedAtMs"] as const),
      ...(["renewedAtMs", "previousAccessor", "retireAtMs"] as const),
    ],
    replaceOn: [],
    differences: (state, inputs) => {
      const changed = (Object.keys(inputsSchema.shape) as (keyof Inputs)[]).filter(
        (field) => state[field] !== inputs[field],
      );
      if (inputs.revoked || state.revoked) return changed;
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
      if (inputs.revoked) return { id: inputs.name, have: withoutToken(inputs) };
      await revokeForgotten(inputs, signal);
      return { id: inputs.name, have: await issue(inputs, signal) };
    },
    read: async (id, state, { signal }) => {
      if (state === undefined)
        throw new ProviderError(`${id}: Vault never tells a token's value again; let the program issue its own`);
      if (state.revoked) return { have: state, want: pick(state) };
      if ((await findToken(program(), state.accessor, signal)) === undefined) return undefined;
      const { previousAccessor } = state;
      const isPreviousLive =
        previousAccessor !== null && (await findToken(program(), previousAccessor, signal)) !== undefined;
      const found = isPreviousLive ? state : { ...state, previousAccessor: null, retireAtMs: null };
      return { have: found, want: pick(found) };
    },
    update: async (_, state, inputs, { signal }) => {
      if (inputs.revoked || state.revoked || BOUND.some((field) => state[field] !== inputs[field])) {
        await revokeBoth(state, signal);
        return inputs.revoked ? withoutToken(inputs) : issue(inputs, signal);
      }
      const due = rotation(state, inputs, now());
      const isLive = (await findToken(program(), state.accessor, signal)) !== undefined;
      const again = due.issue || !isLive;
      const { previousAccessor, retireAtMs } = state;
      const retires = previousAccessor !== null && (due.retire || again);
      if (retires) await revoke(program(), { accessor: previousAccessor }, signal);
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
    delete: (_, state, { signal }) => revokeBoth(state, signal),
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
  ...{ previousAccessor: null, retireAtMs: null },
});

const unfit = ({ name, role }: Inputs, faults: readonly string[]) =>
  new ProviderError(
    `${name}: the token role "${role}" of Vault is not fit for it: ${faults.join("; ")}. ` +
      `An administrator of Vault makes it: ${tokenRoleCommand(role, POLICIES)}`,
  );

const pick = (found: State): Inputs => inputsSchema.parse(found);
