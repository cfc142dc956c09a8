import { z } from 'zod';
import { parseWith, type Parsed } from './validation-fault.ts';

/**
 * What a gateway reads at token time, sealed in the environment's Redis: so a new user can log in, and a changed key
 * counts, without a deployment (contract part 6).
 */
const CLIENT = z.strictObject({
  clientId: z.string(),
  project: z.string(),
  proxy: z.string(),
  proxyId: z.string(),
  /** See `verifySecret`. */
  secretVerifier: z.string(),
});

/** One entry of a credential's access list. */
const ACCESS = z.strictObject({
  project: z.string(),
  proxy: z.string(),
  /** ISO 8601; null: never. */
  expiresAt: z.string().nullable(),
});

const CREDENTIAL = z.strictObject({
  username: z.string(),
  project: z.string(),
  /** See `verifyPassword`. */
  passwordVerifier: z.string(),
  /** Another one after every change of the password, and for another user of the same name: logins end with theirs. */
  passwordId: z.string(),
  enabled: z.boolean(),
  /** ISO 8601; null: never. */
  expiresAt: z.string().nullable(),
  roles: z.array(z.string()),
  /** Addresses and CIDRs that the user may ask for tokens from; empty: any. Missing in records of earlier versions. */
  ipList: z.array(z.string()).default([]),
  /** The proxies whose policies take its tokens under `managedFromThisPolicy:false`. */
  access: z.array(ACCESS).default([]),
  /** The credential's own token settings; null: those of the policy. */
  tokenSettings: z.looseObject({}).nullable().default(null),
});

/** The key pair of a proxy as a client of `/auth/jwt`. */
export type ClientRecord = z.infer<typeof CLIENT>;
/** A user of the password grant. */
export type CredentialRecord = z.infer<typeof CREDENTIAL>;
export type CredentialAccess = z.infer<typeof ACCESS>;

export const parseClientRecord = (input: unknown): Parsed<ClientRecord> => parseWith(CLIENT, input, 'client');
export const parseCredentialRecord = (input: unknown): Parsed<CredentialRecord> =>
  parseWith(CREDENTIAL, input, 'credential');
