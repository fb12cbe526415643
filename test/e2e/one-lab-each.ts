/** As many files run at a time as there are labs, each with one to itself: the first worker's is the one that `WS_LAB` names, `test` by default. */
const first = process.env.WS_LAB || "test";
const worker = process.env.VITEST_POOL_ID ?? "1";
process.env.WS_LAB = worker === "1" ? first : `${first}-${worker}`;
