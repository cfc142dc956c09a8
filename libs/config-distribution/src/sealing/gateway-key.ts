import { hkdfSync, randomBytes } from 'node:crypto';
import { decodeBase64Url } from './base64url.ts';
import { openWith, sealWith } from './sealed-box.ts';

/**
 * A gateway key admits a gateway to its environment. It does not seal the channel itself: it unwraps the environment's
 * root key from the key ring, so that several keys are valid at once and one can be revoked.
 */
export interface GatewayKey {
  /** Names the key in the key ring; not secret. */
  readonly keyId: string;
  /** 256 random bits; known to the gateways that hold the key. */
  readonly secret: Buffer;
}

const FORM = /^gwk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export const newGatewayKey = (): GatewayKey => ({
  keyId: randomBytes(6).toString('hex'),
  secret: randomBytes(32),
});

/** The text shown once, and the value of `GATEWAY_KEY`. */
export const gatewayKeyText = (key: GatewayKey): string => `gwk_${key.keyId}_${key.secret.toString('base64url')}`;

/** Reads a `GATEWAY_KEY`; undefined when it is not of that form. */
export function parseGatewayKey(text: string): GatewayKey | undefined {
  const match = FORM.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const secret = decodeBase64Url(match[2]);
  return secret === undefined ? undefined : { keyId: match[1], secret };
}

const wrappingKey = (key: GatewayKey): Buffer =>
  Buffer.from(hkdfSync('sha256', key.secret, Buffer.alloc(0), 'gatewarden/1/key-ring', 32));

const place = (environment: string, key: GatewayKey) => ({
  environment,
  purpose: 'key-ring',
  subject: key.keyId,
  version: 1,
});

/** The environment's root key, for the key ring in Redis. */
export const wrapRootKey = (environment: string, key: GatewayKey, rootKey: Buffer): string =>
  sealWith(wrappingKey(key), place(environment, key), rootKey.toString('base64url'));

/** The root key, or undefined when the entry is not this key's or not this environment's. */
export function unwrapRootKey(environment: string, key: GatewayKey, wrapped: string): Buffer | undefined {
  const opened = openWith(wrappingKey(key), place(environment, key), wrapped);
  if (opened === undefined) return undefined;
  const rootKey = decodeBase64Url(opened);
  return rootKey?.length === 32 ? rootKey : undefined;
}
