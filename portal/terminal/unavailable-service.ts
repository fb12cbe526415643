/** Defines how the portal answers a user whose terminal service cannot be started, for the server and for the page. */

/** RFC 4918, section 11.4: what the request depends on has failed. No other answer of the portal has this status. */
export const TERMINALS_UNAVAILABLE = {
  status: 424,
  why:
    "Your terminals cannot be opened: their service has failed too often, or the host has not set it up yet. Press Restore " +
    "sessions on your workstation's page, which starts it where it can, then connect. If it stays like this, ask an admin.",
} as const;
