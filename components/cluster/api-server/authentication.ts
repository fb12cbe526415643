/**
 * Renders the authentication configuration of the API server: the accepted issuers and the claims that a token must
 * have.
 */

/** Somebody who vouches for people. */
export interface TokenIssuer {
  /** Exactly as its tokens name it. */
  readonly url: string;
  readonly audiences: readonly string[];
  /** PEM of the authority of its certificate; absent: the control plane's own list. */
  readonly caPem?: string;
}

/**
 * @returns an AuthenticationConfiguration as JSON, which is YAML: nothing in it needs quoting rules of its own.
 * A user is an e-mail and a group is a group, without prefixes, so both are kept from meaning one of the cluster's own.
 */
export function authenticationText(issuers: readonly TokenIssuer[]): string {
  const configuration = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AuthenticationConfiguration",
    jwt: issuers.map(({ url, audiences, caPem }) => ({
      issuer: {
        url,
        audiences: [...audiences],
        audienceMatchPolicy: "MatchAny",
        ...(caPem === undefined ? {} : { certificateAuthority: caPem }),
      },
      claimValidationRules: CLAIM_RULES,
      claimMappings: { username: { claim: "email", prefix: "" }, groups: { claim: "groups", prefix: "" } },
      userValidationRules: USER_RULES,
    })),
  };
  return `${JSON.stringify(configuration, undefined, 2)}\n`;
}

/** The API server by itself takes an e-mail of which nothing is said to be a verified one. */
const CLAIM_RULES = [
  {
    expression: "has(claims.email_verified) && claims.email_verified == true",
    message: "the e-mail is not a verified one",
  },
];

const USER_RULES = [
  { expression: "!user.username.startsWith('system:')", message: "a person cannot be one of the system's users" },
  { expression: "user.username.contains('@')", message: "a person is known by an e-mail" },
  {
    expression: "user.groups.all(group, !group.startsWith('system:'))",
    message: "a person cannot be in one of the system's groups",
  },
];
