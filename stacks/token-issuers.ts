/** Converts the issuers of the settings to the form that the API server's configuration is rendered from. */

import type { TokenIssuer } from "../components/cluster/api-server/authentication.ts";
import type { ApiServerSettings } from "../config/settings/api-server.ts";

/** The issuers in the order of the configuration. */
export const tokenIssuers = ({ issuers }: ApiServerSettings): readonly TokenIssuer[] =>
  issuers.map(({ url, audiences, caPem }) => ({ url, audiences, ...(caPem === undefined ? {} : { caPem }) }));
