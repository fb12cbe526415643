/** Records for which logins the resources of this run are, so that a deletion takes nothing from a renamed account that another resource is for. */

/**
 * An account is found by its id, under whatever login it has. After a rename that the roster follows, one resource is for
 * the new login while another, for the former one, is deleted; both lead to the same account. The engine checks the
 * inputs of every resource before it deletes any that is not declared.
 */
export class WantedLogins {
  readonly #wanted = new Map<string, string>();

  /** @param place what the login holds there: a repository, or a token's name */
  add(place: string, login: string): void {
    this.#wanted.set(keyOf(place, login), login);
  }

  /** Whether the account of this present login is wanted there by a resource for another login, or another spelling, than `former`. */
  isWantedBeside(place: string, present: string, former: string): boolean {
    const wanted = this.#wanted.get(keyOf(place, present));
    return wanted !== undefined && wanted !== former;
  }
}

/** Forges compare logins without regard to case. */
const keyOf = (place: string, login: string): string => `${place}\0${login.toLowerCase()}`;
