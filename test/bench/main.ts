/** `make bench`: the figures that docs/benchmarks.md explains, as ratios measured in one run. */

import { benchPreviews } from "./preview.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);

say("A preview that changes nothing, quickest of three; memory is the sum of all processes' peaks.");
await benchPreviews([3, 10, 100, 1000], say);
