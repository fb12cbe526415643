/** Defines the `connection` input of both resources, with the official defaults. */
import { z } from "zod";

const endpoint = {
  host: z.string().min(1),
  port: z.number().default(22),
  user: z.string().default("root"),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
  /** The host's public key as in `authorized_keys`. Without it any host is believed, as the official plugin does. */
  hostKey: z.string().optional(),
  /** Failed attempts before giving up; -1 for no limit. */
  dialErrorLimit: z.number().default(10),
  /** Seconds for one attempt; 0 for no limit. */
  perDialTimeout: z.number().default(15),
};

/** One SSH server, without or with a jump host before it. */
export const connection = z.strictObject({ ...endpoint, proxy: z.strictObject(endpoint).optional() });

/** A parsed connection. */
export type Connection = z.output<typeof connection>;

/** One of its servers. */
export type Endpoint = Omit<Connection, "proxy">;

/** The endpoint as a person would write it: `root@devvm:22`. Holds nothing secret. */
export const endpointName = (to: Endpoint): string => `${to.user}@${to.host}:${to.port}`;
