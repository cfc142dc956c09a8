import { createHash, randomBytes } from 'node:crypto';

/** 256 bits: what is kept of a token needs no salt and no slow hash to resist guessing. */
const TOKEN_BYTES = 32;

const ACCESS_TOKEN = 'gwt_';
const SESSION = 'gws_';

const fresh = (prefix: string): string => prefix + randomBytes(TOKEN_BYTES).toString('base64url');

export const newAccessToken = (): string => fresh(ACCESS_TOKEN);
export const newSessionToken = (): string => fresh(SESSION);
export const isSessionToken = (token: string): boolean => token.startsWith(SESSION);

/** SHA-256: what is kept of a token. */
export const tokenDigest = (token: string): Buffer => createHash('sha256').update(token, 'utf8').digest();
