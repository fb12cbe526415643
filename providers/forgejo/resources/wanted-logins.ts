/** Records for which logins the resources of this run are, so that a deletion takes nothing from a renamed account that another resource is for. */

import { type Account, hasLogin } from "../../../clients/forgejo/accounts-by-id.ts";

/**
 * An account is found by its id, under whatever login it has. After a rename that the roster follows, one resource is for
 * the new login while another, for the former one, is deleted; both lead to the same account. The engine checks the
 * inputs of every resource before it deletes any that is not declared.
 */
export class WantedLogins {
  readonly #wanted = new Map<string, string>();

  /** @param repository what the login holds there: a repository, or a token's name */
  add(repository: string, login: string): void {
    this.#wanted.set(keyOf(repository, login), login);
  }

  /** Whether the account of this present login is wanted there by a resource for another login, or another spelling, than `former`. */
  isWantedBeside(repository: string, present: string, former: string): boolean {
    const wanted = this.#wanted.get(keyOf(repository, present));
    return wanted !== undefined && wanted !== former;
  }

  /**
   * Whether an account that was found by a former login goes on under another one that is wanted: then its owner renamed it,
   * and its access is no longer the former login's to take.
   * @param former with the login that the same person has today: the resource for that one may be declared later
   */
  goesOn(
    repository: string,
    account: Account,
    former: { readonly login: string; readonly successor: string | null },
  ): boolean {
    const { login, successor } = former;
    return (
      (successor !== null && hasLogin(account, successor)) || this.isWantedBeside(repository, account.login, login)
    );
  }
}

/** Forges compare logins without regard to case. */
const keyOf = (repository: string, login: string): string => `${repository}\0${login.toLowerCase()}`;
