/** Names the injector's objects and the label by which its pods are selected. */

export const INJECTOR = "token-injector";

export const SELECTOR = { "app.kubernetes.io/name": INJECTOR } as const;
