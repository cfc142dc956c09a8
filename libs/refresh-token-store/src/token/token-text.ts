import { hash } from 'node:crypto';
import type { RefreshTokenOwner } from '../refresh-token-store.port.ts';
import { takeRandomBytes } from './random-pool.ts';
import { keyedDigest, type StoreKeys } from './store-keys.ts';

/**
 * A token is `<tag>.<256 random bits>`. The tag, an HMAC of its owner, leads to the owner's keys. The first 96 of the
 * random bits are drawn once per family, the other 160 for every token. So any text with the bits of a living family
 * that is not its newest token was derived from a used one: a replay is recognised for as long as the family lives,
 * without a record of every token it ever had.
 */
const TAG_BYTES = 16;
const FAMILY_BYTES = 12;
const OWN_BYTES = 20;
const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

/** What a token's text says by itself. */
export interface TokenParts {
  readonly text: string;
  readonly tag: string;
  /** Names the family to others without giving its random bits away. */
  readonly familyId: string;
  /** SHA-256 of the text, base64url: the only trace of a token that is stored. */
  readonly hash: string;
}

const hashOf = (text: string): string => hash('sha256', text, 'base64url');

export class TokenTexts {
  constructor(private readonly keys: Pick<StoreKeys, 'tag' | 'familyId'>) {}

  /** The tag of an owner: the same on every gateway, telling nothing about the owner. */
  tagOf(owner: RefreshTokenOwner): string {
    const text = JSON.stringify([owner.proxyId, owner.policy, owner.subject]);
    return keyedDigest(this.keys.tag, text).subarray(0, TAG_BYTES).toString('base64url');
  }

  /** The first token of a new family. */
  first(tag: string): TokenParts {
    const familyBits = takeRandomBytes(FAMILY_BYTES);
    return this.assemble({ tag, familyId: this.familyIdOf(tag, familyBits) }, familyBits);
  }

  /** A new token of the same family. */
  successorOf(token: TokenParts): TokenParts {
    const bits = Buffer.from(token.text.slice(token.tag.length + 1), 'base64url');
    return this.assemble(token, bits.subarray(0, FAMILY_BYTES));
  }

  /** Undefined when the text does not have the form of a token; one text only per token (RFC 4648 section 3.5). */
  read(text: string): TokenParts | undefined {
    const match = TOKEN.exec(text);
    const [, tag, bitsText] = match ?? [];
    if (tag === undefined || bitsText === undefined) return undefined;
    const bits = Buffer.from(bitsText, 'base64url');
    if (bits.toString('base64url') !== bitsText) return undefined;
    return { text, tag, familyId: this.familyIdOf(tag, bits.subarray(0, FAMILY_BYTES)), hash: hashOf(text) };
  }

  private assemble({ tag, familyId }: Pick<TokenParts, 'tag' | 'familyId'>, familyBits: Buffer): TokenParts {
    const text = `${tag}.${Buffer.concat([familyBits, takeRandomBytes(OWN_BYTES)]).toString('base64url')}`;
    return { text, tag, familyId, hash: hashOf(text) };
  }

  private familyIdOf(tag: string, familyBits: Buffer): string {
    const text = `${tag}.${familyBits.toString('base64url')}`;
    return keyedDigest(this.keys.familyId, text).subarray(0, TAG_BYTES).toString('base64url');
  }
}
