/** Password ageing is turned off where nobody could change the password in time, and left alone elsewhere. */
import { expect, test } from "vitest";
import { disableAgeing } from "../../../../agent/root/accounts/password-ageing.ts";
import { parseAccounts } from "../../../../agent/root/system/account-database.ts";
import type { Machine } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account } from "../../../e2e/host/parts.ts";

/** The commands that are run for an account with this line in `/etc/shadow`. */
async function commandsFor(shadow: string): Promise<readonly string[]> {
  const ran: string[] = [];
  const run = async (argv: readonly string[]) => {
    ran.push(argv.join(" "));
    return { argv, code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
  };
  const m = { sys: { run }, accounts: () => parseAccounts("", "", shadow) } as unknown as Machine;
  for (const change of await disableAgeing(m, account({ osUser: "ana", uid: 2000 })).differences())
    await change.apply();
  return ran;
}

const CHAGE = "/usr/bin/chage --maxdays -1 --inactive -1";

test.each([
  ["a maximum age", "ana:!:19000:0:90:7:30::", [`${CHAGE} -- ana`]],
  ["a new password asked for at once", "ana:!:0:0:99999:7:::", [`${CHAGE} --lastday -1 -- ana`]],
  ["shadow-utils' default, which is never", "ana:!:19000:0:99999:7:::", []],
  ["none set", "ana:!:19000::::::", []],
  ["a maximum age and a password of their own", "ana:$6$h:19000:0:90:7:30::", []],
])("an account with %s", async (_, shadow, commands) => {
  expect(await commandsFor(shadow)).toEqual(commands);
});
