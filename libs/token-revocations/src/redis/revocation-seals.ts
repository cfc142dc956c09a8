import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { isTokenRevocation, revocationKey, type TokenRevocation } from '../token-revocation.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const MAC_BYTES = 16;
const ID_BYTES = 16;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isWhole = (bytes: Buffer, text: string): boolean =>
  bytes.length >= NONCE_BYTES + MAC_BYTES && bytes.toString('base64url') === text;

/** What the ledger writes into Redis, so that what anybody else writes there is recognised. */
export class RevocationSeals {
  private readonly idKey: Buffer;
  private readonly entryKey: Buffer;

  /** @throws RangeError when `key` is not 32 bytes long */
  constructor(
    private readonly environment: string,
    key: Buffer,
  ) {
    if (key.length !== 32) throw new RangeError('the key of the revocation ledger must be 32 bytes long');
    // HKDF, RFC 5869.
    const derive = (purpose: string): Buffer => {
      const info = JSON.stringify(['gatewarden', 'token-revocations', 1, purpose, environment]);
      return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), info, 32));
    };
    this.idKey = derive('id');
    this.entryKey = derive('entry');
  }

  /** Where a revocation lies: the same on every gateway, telling nothing about what it speaks of. */
  idOf(revocation: Pick<TokenRevocation, 'by' | 'value'>): string {
    const digest = createHmac('sha256', this.idKey).update(revocationKey(revocation), 'utf8').digest();
    return digest.subarray(0, ID_BYTES).toString('base64url');
  }

  /** Nonce, cipher text and MAC, base64url; every call gives another text. It opens under its id alone. */
  seal(id: string, { by, value, issuedUntilSeconds, endsAtMs }: TokenRevocation): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.keyOf(id), nonce, { authTagLength: MAC_BYTES });
    cipher.setAAD(this.binding(id));
    const text = JSON.stringify({ by, value, issuedUntilSeconds, endsAtMs });
    const hidden = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, hidden, cipher.getAuthTag()]).toString('base64url');
  }

  /** Undefined when it was not sealed for this id with the environment's key. */
  open(id: string, sealed: string): TokenRevocation | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (!isWhole(bytes, sealed)) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const opener = createDecipheriv(CIPHER, this.keyOf(id), nonce, { authTagLength: MAC_BYTES });
    opener.setAAD(this.binding(id));
    opener.setAuthTag(bytes.subarray(-MAC_BYTES));
    try {
      const hidden = bytes.subarray(NONCE_BYTES, -MAC_BYTES);
      const revocation = parsed(Buffer.concat([opener.update(hidden), opener.final()]).toString('utf8'));
      return isTokenRevocation(revocation) ? revocation : undefined;
    } catch {
      return undefined;
    }
  }

  /** A key per id, so that random nonces never repeat under one key however many entries are sealed. */
  private keyOf(id: string): Buffer {
    return createHmac('sha256', this.entryKey).update(id, 'utf8').digest();
  }

  private binding(id: string): Buffer {
    return Buffer.from(JSON.stringify([1, 'revocation', this.environment, id]), 'utf8');
  }
}
