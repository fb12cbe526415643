/** Configures the two frontend services of a host: the code-server proxy and the user portal. */

import type { BasePart } from "../../contract.ts";
import type { Step } from "../../lib/converge.ts";
import type { Machine } from "../system/cached-machine.ts";
import { frontendSteps } from "./frontend-service.ts";

const DISPATCH = "/etc/t3-serve/dispatch.json";

export const codeServerProxySteps = (m: Machine, { gate }: BasePart): readonly (() => Step)[] =>
  frontendSteps(m, { name: "gate", settings: gate === undefined ? undefined : { dispatch: DISPATCH, ...gate } });

export const portalSteps = (m: Machine, { host, lobby, contact }: BasePart): readonly (() => Step)[] =>
  frontendSteps(m, {
    name: "lobby",
    unitFiles: ["workstation-lobby-ask.socket", "workstation-lobby-ask@.service"],
    running: ["workstation-lobby-ask.socket"],
    settings:
      lobby === undefined
        ? undefined
        : {
            host,
            dispatch: DISPATCH,
            admins: "/etc/ttyd-admins",
            ...lobby,
            ...(contact === undefined ? {} : { contact }),
          },
  });
