/** `make bench`: figures as ratios of one run. docs/benchmarks.md says what each one means. */

import { benchInjector } from "./injector.ts";
import { benchPreviews } from "./preview.ts";
import { benchRefresh } from "./refresh.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

say("The token injector, on the loopback:");
await benchInjector(say);
say("A preview that changes nothing, quickest of its runs; memory is the sum of all processes' peaks:");
await benchPreviews([10, 100, 1000], say);
say("Runs that change nothing, with and without --refresh:");
await benchRefresh([10, 100, 1000], say);
