/** Defines the settings of the shared hosts and of what people get on them. */

import { z } from "zod";
import { isLoopbackAddress } from "../../clients/http/loopback-address.ts";
import { browserOrigin } from "./browser-origin.ts";
import { dnsLabel } from "./dns-names.ts";
import { REQUIRED_PACKAGES } from "./required-packages.ts";
import { rootLogin } from "./root-login.ts";
import { sharedSecret } from "./shared-secret.ts";

const hostKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) [A-Za-z0-9+/=]+$/,
    'must be the host\'s public key, as in "ssh-ed25519 AAAA…"',
  );

export const host = z.strictObject({
  name: dnsLabel.describe("Name that the roster's `host` refers to. The first host is the default."),
  address: z.string().min(1).describe("Address or DNS name that CI reaches over SSH."),
  port: z.int().min(1).max(65_535).default(22).describe("Port of the SSH server."),
  user: rootLogin,
  hostKey: hostKey.describe("The host's public key, required: it protects against man-in-the-middle attacks."),
});

const argv = z.array(z.string().min(1)).min(1);

const listen = z
  .union([
    z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), port: z.int().min(1024).max(65_535) }),
    z.strictObject({ socket: z.string().regex(/^(\/[A-Za-z0-9._@-]+)+$/) }),
  ])
  .describe("Where the ingress reaches it: an address that people on the host cannot use, or a unix socket.");

export const devvm = z
  .strictObject({
    packages: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/, "must be the name of a Debian package, such as git-crypt"))
      .default([])
      .describe(
        "Further Debian packages that every host must have. The deployment installs them, and these, which the program " +
          `itself needs: ${Object.entries(REQUIRED_PACKAGES)
            .map(([name, purpose]) => `\`${name}\` (${purpose})`)
            .join(", ")}.`,
      ),
    guidanceFile: z.string().optional().describe("File with the organisation's guidance text for the assistants."),
    managedSettings: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("Further keys of the machine-wide Claude settings. Never a secret."),
    sharedConfig: z.string().optional().describe("Tree on the host that skills, rules, agents and commands link to."),
    commands: z
      .strictObject({
        t3: argv.optional().describe("The code server. Absent: nobody has one, and `devvm.gate` must be absent too."),
        browser: argv.optional().describe("The browser-automation server. Absent: nobody has one."),
        credentialSync: argv
          .optional()
          .describe(
            "The sync of the assistant's credentials, run by a timer. Absent: nobody's are synced, whatever `claude_auth` says.",
          ),
      })
      .prefault({})
      .describe(
        "Command lines of the per-person services, each of them optional. Where one is taken out, everybody's units of it are stopped and removed. The unit sets $T3_PORT and $BROWSER_PORT. A change restarts nothing, since that would end what runs in a service: each service that still runs with the former command is named, with the command that restarts it.",
      ),
    proxyUsers: z
      .array(z.string())
      .default(["root"])
      .describe("Accounts that may connect to everybody's loopback ports."),
    gate: z
      .strictObject({
        listen,
        origin: browserOrigin
          .optional()
          .describe(
            "Where people's browsers find their code server. A web socket, or a request that changes something, must come " +
              "from a page there. Absent: from a page of the host that the request itself names, which holds where the " +
              "ingress passes the `Host` header on.",
          ),
      })
      .optional()
      .describe(
        "The code-server proxy, which routes each signed-in user to their own code server. Absent: something else forwards to them.",
      ),
    lobby: z
      .strictObject({
        listen,
        origin: browserOrigin.describe(
          "Where people's browsers find the page. Only from there it does what somebody asks for.",
        ),
        codeServer: z
          .url({ protocol: /^https?$/ })
          .optional()
          .describe("Where people's browsers find their code server."),
      })
      .optional()
      .describe(
        "The user portal: a person's sessions, clones and limits, and the button that restores. Absent: no portal.",
      ),
    ingressSecret: sharedSecret("X-Ingress-Secret", 32)
      .optional()
      .describe(
        "The proof that a request to the code-server proxy or the user portal came through the ingress; without it nobody is let in. " +
          "Required where one of them listens on an address that other machines reach. A unix socket needs none.",
      ),
    contact: z.string().min(1).optional().describe("Whom people ask: a sentence on their page and in `ws-me`."),
    adoptExisting: z
      .array(z.string())
      .default([])
      .describe("OS users whose account exists already and is taken over; any other existing account is left alone."),
    closeAdoptedHomes: z
      .boolean()
      .default(false)
      .describe(
        "Whether homes of accounts that were taken over are set to mode 0700. Off: each that other users may enter or list is named at every delivery.",
      ),
    repositories: z
      .strictObject({
        infraMirror: z.url().describe("Anonymous mirror of the infra repo: remote `origin`."),
        forgejo: z.url().describe("Base address of the forge."),
        owner: z.string().describe("Owner on the forge of the infra repo and of the roster's `repos`."),
        infra: z.string().default("infra").describe("Name of the infra repo."),
        branch: z.string().default("master").describe("The protected branch."),
      })
      .describe("Where people's clones come from and where they push."),
    archives: z
      .string()
      .regex(/^(\/[A-Za-z0-9._@-]+)+$/)
      .optional()
      .describe(
        "Folder on the host for the archives of homes that `./ws remove` takes away; a disk with enough free space, never below /home. Absent: `/var/lib/workstation/archives`.",
      ),
    reconcile: z
      .strictObject({
        maxStateAgeHours: z
          .int()
          .min(1)
          .default(24 * 14)
          .describe("A delivered state older than this removes nothing any more."),
        removalLimit: z.int().min(0).default(1).describe("How many people one hourly run may offboard."),
      })
      .prefault({})
      .describe("The hourly run of a host by itself, from what was last delivered."),
  })
  .superRefine(({ commands, gate }, context) => {
    if (gate === undefined || commands.t3 !== undefined) return;
    const message = "must have code servers to forward to: set devvm.commands.t3, or remove devvm.gate";
    context.addIssue({ code: "custom", path: ["gate"], message });
  })
  .superRefine(({ gate, lobby, ingressSecret }, context) => {
    if (ingressSecret !== undefined) return;
    for (const [name, service] of Object.entries({ gate, lobby })) {
      if (service === undefined || !("address" in service.listen)) continue;
      const { address } = service.listen;
      if (isLoopbackAddress(address)) continue;
      const message =
        `must be set, since ${name} listens on ${address}, where any machine could send the header of another user's ` +
        "sign-in; docs/portal.md says how to introduce it";
      return context.addIssue({ code: "custom", path: ["ingressSecret", "value"], message });
    }
  })
  .describe("What the hosts are given, and where people's clones come from.");
