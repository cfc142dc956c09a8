import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { decodeBase64Url } from './base64url.ts';

/**
 * What a sealed text is bound to: the same bytes under another environment, purpose, subject or version do not open.
 * `subject` is what the purpose speaks of (a proxy id, a user name), `version` its deployment or revision number.
 */
export interface SealContext {
  readonly environment: string;
  readonly purpose: string;
  readonly subject: string;
  readonly version: number;
}

const FORMAT = 's1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const associatedData = (context: SealContext): Buffer =>
  Buffer.from(JSON.stringify([FORMAT, context.environment, context.purpose, context.subject, context.version]), 'utf8');

/**
 * Keys for one environment's channel, one per purpose, derived from its root key with HKDF-SHA-256 (RFC 5869).
 * Deriving costs more than sealing, so each purpose is derived once.
 */
export class ChannelKeys {
  private readonly derived = new Map<string, Buffer>();

  /** @param rootKey 32 random bytes, known to the control plane and to the gateways of the environment. */
  constructor(
    readonly environment: string,
    private readonly rootKey: Buffer,
  ) {
    if (rootKey.length !== 32) throw new RangeError('an environment root key has 32 bytes');
  }

  /** 32 bytes for one purpose; the same on both sides. */
  keyFor(purpose: string): Buffer {
    const known = this.derived.get(purpose);
    if (known !== undefined) return known;
    const info = `gatewarden/1/${purpose}`;
    const key = Buffer.from(hkdfSync('sha256', this.rootKey, Buffer.from(this.environment, 'utf8'), info, 32));
    this.derived.set(purpose, key);
    return key;
  }

  /** Seals a text for a purpose, a subject and a version of this environment. */
  seal(place: Omit<SealContext, 'environment'>, plaintext: string): string {
    return sealWith(this.keyFor(place.purpose), { ...place, environment: this.environment }, plaintext);
  }

  /** Opens what `seal` made for the same place; undefined for anything else, whoever wrote it. */
  open(place: Omit<SealContext, 'environment'>, sealed: string): string | undefined {
    return openWith(this.keyFor(place.purpose), { ...place, environment: this.environment }, sealed);
  }
}

/** AES-256-GCM, `s1.<nonce>.<ciphertext and tag>` in base64url. */
export function sealWith(key: Buffer, context: SealContext, plaintext: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associatedData(context));
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${FORMAT}.${nonce.toString('base64url')}.${body.toString('base64url')}`;
}

/** The text that was sealed, or undefined when key, context or bytes are not those of the sealing. */
export function openWith(key: Buffer, context: SealContext, sealed: string): string | undefined {
  const [format, nonceText, bodyText, ...rest] = sealed.split('.');
  if (format !== FORMAT || nonceText === undefined || bodyText === undefined || rest.length > 0) return undefined;
  const nonce = decodeBase64Url(nonceText);
  const body = decodeBase64Url(bodyText);
  if (nonce?.length !== NONCE_BYTES || body === undefined || body.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(context));
  decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
  try {
    return decipher.update(body.subarray(0, body.length - TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
