/** What the hosts get of a stack's settings. */

import { expect, test } from "vitest";
import { siteOfHosts } from "../../stacks/host-settings.ts";
import { settings } from "../config/raw-config.ts";

test("people's kubectl gets the sign-in that the cluster's settings name", async () => {
  const oidc = {
    ...{ issuer: "https://i.test/", clientId: "c", grant: "authcode-keyboard", redirectUrl: "http://localhost" },
  };
  const cluster = { server: "https://api.test", caData: "eA==", oidc };
  expect((await siteOfHosts(settings({ cluster }))).kubeconfig).toEqual({
    ...{ cluster: "cluster", server: cluster.server, caData: cluster.caData, ...oidc },
  });
});
