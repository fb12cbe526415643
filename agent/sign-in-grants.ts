/** Defines how a person's kubectl can sign in, apart from the schemas, which a worker does not load. */

/** The grants of OpenID Connect, by kubelogin's names for them. */
export const SIGN_IN_GRANTS = ["device-code", "authcode-keyboard", "authcode"] as const;
