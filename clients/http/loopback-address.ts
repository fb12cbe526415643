/** Recognizes the addresses that only processes of the same machine reach. */

import { isIPv4 } from "node:net";

/** Another way to write `::1` counts as an address of the network: that errs to the safe side. */
export const isLoopbackAddress = (address: string): boolean =>
  address === "::1" || (isIPv4(address) && address.startsWith("127."));
