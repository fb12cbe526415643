/** Defines what the handlers of one running plugin share. */
import type { Calls } from "./running-calls.ts";
import type { EngineLog } from "./engine-log.ts";
import type { Provider } from "./provider.ts";

/** The provider and its surroundings. */
export interface Serving {
  readonly provider: Provider;
  readonly calls: Calls;
  readonly log: EngineLog;
  /** Gets the stack of an error that nobody expected. */
  readonly reportBug: (stack: string) => void;
}
