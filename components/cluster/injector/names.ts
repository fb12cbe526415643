/** What the injector's objects are called, and the label by which its pods are found. */

export const INJECTOR = "token-injector";

export const SELECTOR = { "app.kubernetes.io/name": INJECTOR } as const;
