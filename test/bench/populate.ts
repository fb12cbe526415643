/** Many people on one host at once: their parts are laid down as if they had been delivered, and the host brings them about. */
import type { TestHost } from "../e2e/host/host.ts";
import { account, base, clones, maps, type Somebody, units } from "../e2e/host/parts.ts";

const quiet = {
  commands: {
    t3: ["/usr/bin/sleep", "infinity"],
    browser: ["/usr/bin/sleep", "infinity"],
    credentialSync: ["/bin/true"],
  },
};

export async function populate(host: TestHost, people: readonly Somebody[]): Promise<void> {
  const parts = [base(quiet), maps(people), ...people.flatMap((who) => [account(who), clones(who), units(who)])];
  const named = parts.map((part) => ["osUser" in part ? `${part.kind}.${part.osUser}` : part.kind, part] as const);
  const put =
    "const fs=require('fs');fs.mkdirSync('/var/lib/workstation/parts',{recursive:true,mode:0o700});for(const [n,p] of JSON.parse(fs.readFileSync(0)))fs.writeFileSync('/var/lib/workstation/parts/'+n+'.json',JSON.stringify(p))";
  await host.sh(`node -e "${put}"`, { input: JSON.stringify(named) });
  await host.sh("workstation reconcile > /run/populate.log 2>&1; workstation reconcile | grep -x 'nothing to change'", {
    timeoutMs: 1_800_000,
  });
}
