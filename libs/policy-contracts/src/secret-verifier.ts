import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * How a secret is kept where it only has to be recognised. Passwords, which people choose, take scrypt; client secrets,
 * which are looked up on every token request, take one salted HMAC and always lie inside something encrypted.
 */
const SCRYPT = { cost: 16_384, blockSize: 8, parallelization: 1, keyBytes: 32 } as const;
const HIGHEST_COST = 1 << 20;

const stretch = (password: string, salt: Buffer, cost: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = {
      cost,
      blockSize: SCRYPT.blockSize,
      parallelization: SCRYPT.parallelization,
      maxmem: 256 * cost * 8,
    };
    scrypt(password.normalize('NFC'), salt, SCRYPT.keyBytes, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });

const equal = (left: Buffer, right: Buffer): boolean => left.length === right.length && timingSafeEqual(left, right);

/** `scrypt$<cost>$<salt>$<key>`, base64url; runs off the event loop. */
export async function createPasswordVerifier(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await stretch(password, salt, SCRYPT.cost);
  return `scrypt$${SCRYPT.cost}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** scrypt throws for a cost that is no power of two (RFC 7914 section 6). */
const isCost = (cost: number): boolean => cost >= 2 && cost <= HIGHEST_COST && Number.isInteger(Math.log2(cost));

/** Whether this is the password; false as well for a verifier of another form. Runs off the event loop. */
export async function verifyPassword(verifier: string, password: string): Promise<boolean> {
  const [kind, costText, salt, key] = verifier.split('$');
  const cost = Number(costText);
  if (kind !== 'scrypt' || salt === undefined || key === undefined) return false;
  if (!isCost(cost)) return false;
  return equal(await stretch(password, Buffer.from(salt, 'base64url'), cost), Buffer.from(key, 'base64url'));
}

const mac = (secret: string, salt: Buffer): Buffer => createHmac('sha256', salt).update(secret, 'utf8').digest();

/** `hmac$<salt>$<mac>`, base64url. */
export function createSecretVerifier(secret: string): string {
  const salt = randomBytes(16);
  return `hmac$${salt.toString('base64url')}$${mac(secret, salt).toString('base64url')}`;
}

/** Whether this is the secret; false as well for a verifier of another form. */
export function verifySecret(verifier: string, secret: string): boolean {
  const [kind, salt, expected] = verifier.split('$');
  if (kind !== 'hmac' || salt === undefined || expected === undefined) return false;
  return equal(mac(secret, Buffer.from(salt, 'base64url')), Buffer.from(expected, 'base64url'));
}
