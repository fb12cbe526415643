/**
 * Runs a part of the program without an engine and records the resources that it declares.
 *
 * No other module uses the SDK's mocks outside of tests. The SDK has no other method to run a program offline: its
 * Automation API starts the `pulumi` command, which requires the stack's backend and passphrase and has the provider
 * plugins check every input, and so reaches the cluster, Vault and the forge. A resource monitor of our own would
 * implement the protocol between engine and program, which is not a public interface; `setMocks` is one.
 */

import * as pulumi from "@pulumi/pulumi";

/** One resource with its inputs as its provider would get them; what is secret in them is wrapped or empty. */
export interface DesiredResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface OfflineRun {
  /** The stack's name, which stands in some of the inputs. */
  readonly stack: string;
  /** What every function of a provider answers. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** The SDK keeps its connection and its options once a process: runs take turns. */
let previous: Promise<unknown> = Promise.resolve();

/** @throws what the program throws; the next run starts afresh */
export function recordResources(run: OfflineRun, program: () => Promise<unknown>): Promise<readonly DesiredResource[]> {
  const turn = previous.then(() => record(run, program));
  previous = turn.catch(() => undefined);
  return turn;
}

async function record({ stack, answer }: OfflineRun, program: () => Promise<unknown>) {
  const found: DesiredResource[] = [];
  const mocks: pulumi.runtime.Mocks = {
    call: () => ({ ...answer }),
    newResource: ({ type, name, inputs }) => {
      found.push({ type, name, inputs });
      return { id: name, state: inputs };
    },
  };
  await pulumi.runtime.setMocks(mocks, PROJECT, stack, true);
  try {
    await program();
  } finally {
    // Waits for every resource that is still on its way, so that none of them ends up in the next run.
    await pulumi.runtime.disconnect();
  }
  return found;
}

const PROJECT = "workstation";
