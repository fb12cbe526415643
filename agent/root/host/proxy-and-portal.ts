/** Configures the two frontend services of a host: the code-server proxy and the user portal. */

import type { BasePart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import { TERMINAL_SERVICE, TERMINAL_SOCKET } from "../services/unit-names.ts";
import { loadPart } from "../state/stored-parts.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { type FrontendService, frontendSteps, secretFileOf } from "./frontend-service.ts";
import { terminalPrograms } from "./terminal-programs.ts";
import { terminalSockets } from "./terminal-sockets.ts";

const ASK = "workstation-lobby-ask.socket";

/** The units that run on a host with this part. */
export const frontendUnits = ({ gate, lobby }: BasePart): readonly string[] => [
  ...(gate === undefined ? [] : ["workstation-gate.service"]),
  ...(lobby === undefined ? [] : ["workstation-lobby.service", ASK]),
];

const DISPATCH = "/etc/t3-serve/dispatch.json";

export const codeServerProxySteps = (m: Machine, base: BasePart): readonly (() => Step)[] =>
  frontendSteps(m, { name: "gate", ...guarded(m, base, "gate", { dispatch: DISPATCH }) });

export const portalSteps = (m: Machine, base: BasePart): readonly (() => Step)[] => {
  const { host, contact } = base;
  const more = { host, dispatch: DISPATCH, admins: "/etc/ttyd-admins", ...(contact === undefined ? {} : { contact }) };
  const steps = frontendSteps(m, {
    name: "lobby",
    unitFiles: [ASK, "workstation-lobby-ask@.service", TERMINAL_SOCKET, TERMINAL_SERVICE],
    running: [ASK],
    ...guarded(m, base, "lobby", more),
  });
  const programs = base.lobby === undefined ? [] : [() => terminalPrograms(m)];
  return [...steps, ...programs, () => terminalSockets(m, base)];
};

/** Whoever may open a socket is let in by its folder; behind an address, the ingress has to prove itself. */
function guarded(
  m: Machine,
  { ingressSecret, ...base }: BasePart,
  name: "gate" | "lobby",
  more: object,
): Pick<FrontendService, "settings" | "accepted"> {
  const service = base[name];
  if (service === undefined) return { settings: undefined };
  if (ingressSecret === undefined || "socket" in service.listen) return { settings: { ...more, ...service } };
  return {
    settings: { ...more, ...service, ingressSecret: { ...ingressSecret, file: secretFileOf(name) } },
    accepted: () => loadPart(m.sys, "ingress-secret")?.accepted,
  };
}
