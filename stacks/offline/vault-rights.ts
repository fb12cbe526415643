/** Re-exports the rules of the policy that the program's own token needs in Vault, for `./ws doctor`. */

export { policyText, programRights, type Rule, WORKSTATION_POLICIES } from "../../components/vault/policies.ts";
