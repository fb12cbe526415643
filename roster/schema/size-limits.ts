/** Defines the smallest and the largest size that each limit and quota may have, with the reason for both. */

/** Bounds of one figure, both included. */
export interface Bounds {
  readonly floor: string;
  readonly ceiling: string;
  /** Complete "…; write at least that, because " and "…; write at most that, because ". */
  readonly tooSmall: string;
  readonly tooLarge: string;
  /** Makes two texts of the figure comparable. */
  readonly amount: (text: string) => number;
}

const UNITS = "KMGTPE";

/** Bytes of a size as systemd reads it: every unit is a power of 1024. Larger than any size for `infinity` and shares. */
export function systemdBytes(text: string): number {
  const [, figure, unit] = /^(\d+)([KMGT]?)$/.exec(text) ?? [];
  return figure === undefined ? Number.POSITIVE_INFINITY : Number(figure) * 1024 ** exponent(unit);
}

/** Bytes of a quantity as Kubernetes reads it: `Ki` is 1024, `k` is 1000. */
export function kubernetesBytes(text: string): number {
  const [, figure, unit, binary] = /^(\d+)([kKMGTPE]?)(i?)$/.exec(text) ?? [];
  return Number(figure) * (binary === "i" ? 1024 : 1000) ** exponent(unit);
}

const exponent = (unit = ""): number => (unit === "" ? 0 : UNITS.indexOf(unit.toUpperCase()) + 1);

/** Processors of a quantity: `500m` is half of one. */
export const processors = (text: string): number =>
  text.endsWith("m") ? Number(text.slice(0, -1)) / 1000 : Number(text);

const percent = (text: string): number => Number(text.replace("%", ""));

/** Limits of one person on the host. */
export const LIMIT_BOUNDS = {
  memory: {
    floor: "1G",
    ceiling: "4T",
    tooSmall: "a shell, a tmux server and a code server need that much to start",
    tooLarge: "no host has that much, so it would limit nothing",
    amount: systemdBytes,
  },
  cpu: {
    floor: "10%",
    ceiling: "25600%",
    tooSmall: "a login would wait for minutes",
    tooLarge: "no host has that many processors (100% is one), so it would limit nothing",
    amount: percent,
  },
  tasks: {
    floor: "256",
    ceiling: "4194304",
    tooSmall: "a shell, a tmux server, a code server and one build need that many threads",
    tooLarge: "the Linux kernel itself has no more process ids",
    amount: Number,
  },
  pane_memory: {
    floor: "256M",
    ceiling: "4T",
    tooSmall: "the assistant alone needs that much to start",
    tooLarge: "no host has that much, so it would limit nothing",
    amount: systemdBytes,
  },
} as const satisfies Readonly<Record<string, Bounds>>;

/** Quota of one namespace. */
export const QUOTA_BOUNDS = {
  cpu_requests: {
    floor: "100m",
    ceiling: "1000",
    tooSmall: "not even one pod with the usual requests would start",
    tooLarge: 'no cluster gives one namespace that much; "500m" is half a processor',
    amount: processors,
  },
  memory_requests: {
    floor: "64Mi",
    ceiling: "64Ti",
    tooSmall: "not even one pod would start",
    tooLarge: "no cluster gives one namespace that much",
    amount: kubernetesBytes,
  },
  memory_limits: {
    floor: "64Mi",
    ceiling: "64Ti",
    tooSmall: "not even one pod would start",
    tooLarge: "no cluster gives one namespace that much",
    amount: kubernetesBytes,
  },
  pods: {
    floor: "1",
    ceiling: "150000",
    tooSmall: "a namespace without a pod is of no use",
    tooLarge: "Kubernetes supports no more pods in a whole cluster",
    amount: Number,
  },
} as const satisfies Readonly<Record<string, Bounds>>;

/** Completes `"5M" `, or nothing where the text lies within the bounds. */
export function outOfBounds(text: string, { floor, ceiling, tooSmall, tooLarge, amount }: Bounds): string | undefined {
  if (amount(text) < amount(floor)) return `is less than ${floor}; write at least that, because ${tooSmall}`;
  if (amount(text) > amount(ceiling)) return `is more than ${ceiling}; write at most that, because ${tooLarge}`;
  return undefined;
}
