/** Lists the files that every host gets independently of its users, from the base part. Pure. */

import { asset } from "../../lib/assets.ts";
import type { BasePart } from "../../contract.ts";
import { SESSION_START } from "./claude-managed-settings.ts";
import { execLine, render } from "../system/render-template.ts";
import type { GeneratedFile } from "../system/generated-files.ts";
import { BROWSER_UNIT, CREDENTIALS_SERVICE, CREDENTIALS_TIMER, T3_UNIT } from "../services/unit-names.ts";

const SYSTEMD = "/etc/systemd/system";

/** The template units, with the stack's own command lines; a command that it does not have has no unit. */
export function unitFiles({ commands: { t3, browser, credentialSync } }: BasePart): readonly GeneratedFile[] {
  const unit = (name: string, values: Readonly<Record<string, string>> = {}) => ({
    path: `${SYSTEMD}/${name}`,
    text: render(asset(name), values),
    mode: 0o644,
  });
  return [
    ...(t3 === undefined ? [] : [unit(T3_UNIT, { COMMAND: execLine(t3) })]),
    ...(browser === undefined ? [] : [unit(BROWSER_UNIT, { COMMAND: execLine(browser) })]),
    ...(credentialSync === undefined
      ? []
      : [unit(CREDENTIALS_SERVICE, { COMMAND: execLine(credentialSync) }), unit(CREDENTIALS_TIMER)]),
    unit("workstation-reconcile.service"),
    unit("workstation-reconcile.timer"),
    unit("workstation-finish.service"),
    unit("workstation-ports.service"),
    unit("tmux-persist-save.service"),
    unit("tmux-persist-save.timer"),
    unit("tmux-persist-restore.service"),
  ];
}

/** Units of the host itself that are to be enabled and started. */
export const HOST_UNITS = ["workstation-reconcile.timer", "tmux-persist-save.timer"] as const;
/** Enabled only: they act at boot. */
export const BOOT_UNITS = ["workstation-ports.service", "tmux-persist-restore.service"] as const;

export function plainFiles(): readonly GeneratedFile[] {
  return [
    { path: "/etc/skel/start-claude.sh", text: asset("start-claude.sh"), mode: 0o755 },
    { path: "/etc/skel/.tmux.conf", text: asset("tmux.conf"), mode: 0o644 },
    { path: "/usr/lib/workstation/pane", text: asset("pane.sh"), mode: 0o755 },
    { path: "/usr/lib/workstation/resume", text: asset("resume.sh"), mode: 0o755 },
    { path: "/usr/lib/workstation/credential-sync", text: asset("credential-sync.sh"), mode: 0o755 },
    { path: SESSION_START, text: asset("session-start.sh"), mode: 0o755 },
    { path: "/usr/local/sbin/tmux-persist", text: asset("tmux-persist.sh"), mode: 0o755 },
    { path: "/usr/local/sbin/workstation-facts", text: asset("workstation-facts.sh"), mode: 0o755 },
    { path: "/usr/lib/workstation/lobby-ask", text: asset("portal-request.sh"), mode: 0o755 },
    { path: "/usr/local/bin/ws-me", text: asset("ws-me.sh"), mode: 0o755 },
    { path: "/usr/local/sbin/tmux-restore-user", text: asset("tmux-restore-user.sh"), mode: 0o755 },
    { path: "/usr/local/sbin/tmux-forget-user", text: asset("tmux-forget-user.sh"), mode: 0o755 },
  ];
}

/** Without a start file of its own, zsh asks a new user questions and takes their first input for answers. */
export const ZSH_START: GeneratedFile = { path: "/etc/skel/.zshrc", text: asset("zshrc"), mode: 0o644 };

export const SUDOERS: readonly GeneratedFile[] = [
  { path: "/etc/sudoers.d/workstation", text: asset("sudoers"), mode: 0o440 },
  { path: "/etc/sudoers.d/workstation-sessions", text: asset("sudoers-sessions"), mode: 0o440 },
];
export const SSHD: GeneratedFile = {
  path: "/etc/ssh/sshd_config.d/50-workstation.conf",
  text: asset("sshd.conf"),
  mode: 0o644,
};

/** Links of a new home to the organisation's shared configuration. */
export function skelLinks(sharedConfig: string | undefined): ReadonlyMap<string, string> {
  if (sharedConfig === undefined) return new Map();
  const names = ["skills", "rules", "agents", "commands"];
  return new Map(names.map((name) => [`/etc/skel/.claude/${name}`, `${sharedConfig}/${name}`]));
}
