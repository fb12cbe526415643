/** The engine's floor: as many resources as the configuration says, each with one input, and nothing else. */

import * as pulumi from "@pulumi/pulumi";

class Nothing extends pulumi.CustomResource {
  /** @param {number} n */
  constructor(n) {
    super("command:bench:Nothing", `nothing-${n}`, { n });
  }
}

const count = new pulumi.Config("floor").requireNumber("resources");
for (let n = 0; n < count; n++) new Nothing(n);
