import { randomBytes } from 'node:crypto';
import { ChannelKeys } from '../sealing/sealed-box.ts';
import { KEY_SET_SHELF_LIMITS } from './key-set-shelf.port.ts';
import {
  keySetEntry,
  openKeySet,
  openKeySetAttempt,
  sealKeySet,
  sealKeySetAttempt,
  type KeySetAttempt,
  type KeySetSubject,
} from './key-set-messages.ts';

const keys = new ChannelKeys('production', randomBytes(32));
const subject: KeySetSubject = { origin: 'policy', reach: 'any-host', address: 'https://idp.test/jwks?tenant=s3cret' };
const attempt: KeySetAttempt = {
  beganAtMs: 7,
  flush: 2,
  unknownKeyAtMs: null,
  result: { kind: 'failed', failure: 'http-status', detail: '503', atMs: 9 },
};
const document = { fetchedAtMs: 7, freshForSeconds: 300, flush: 2, text: '{"keys":[]}\nü' };

const OTHERS: readonly [string, KeySetSubject][] = [
  ['another address', { ...subject, address: 'https://idp.test/jwks' }],
  ['another reach', { ...subject, reach: 'same-host' }],
  ['another origin', { ...subject, origin: 'variable' }],
  ['parts of it joined elsewhere', { ...subject, reach: 'any-hosthttps', address: '://idp.test/jwks?tenant=s3cret' }],
];

describe('what gateways tell each other of a key set', () => {
  it('is what was sealed', () => {
    expect(openKeySetAttempt(keys, subject, sealKeySetAttempt(keys, subject, attempt))).toEqual(attempt);
    expect(openKeySet(keys, subject, sealKeySet(keys, subject, document))).toEqual(document);
  });

  it('says nothing of the address in clear, and lies in a place of its own', () => {
    const { name } = keySetEntry(keys, subject);
    const sealed = sealKeySet(keys, subject, document) + sealKeySetAttempt(keys, subject, attempt);
    // Nothing that base64url could come to by chance.
    expect(`${name} ${sealed}`).not.toMatch(/idp\.test|s3cret|"keys"/);
    expect(keySetEntry(keys, subject)).toEqual({ origin: 'policy', name });
    for (const [, other] of OTHERS) expect(keySetEntry(keys, other).name).not.toBe(name);
    expect(keySetEntry(new ChannelKeys('production', randomBytes(32)), subject).name).not.toBe(name);
  });

  it.each(OTHERS)('opens for no set of %s', (_what, other) => {
    expect(openKeySetAttempt(keys, other, sealKeySetAttempt(keys, subject, attempt))).toBeUndefined();
    expect(openKeySet(keys, other, sealKeySet(keys, subject, document))).toBeUndefined();
  });

  it('opens for no other environment, and one never as the other', () => {
    const stranger = new ChannelKeys('production', randomBytes(32));
    expect(openKeySet(keys, subject, sealKeySet(stranger, subject, document))).toBeUndefined();
    expect(openKeySetAttempt(keys, subject, sealKeySetAttempt(stranger, subject, attempt))).toBeUndefined();
    expect(openKeySet(keys, subject, sealKeySetAttempt(keys, subject, attempt))).toBeUndefined();
    expect(openKeySetAttempt(keys, subject, sealKeySet(keys, subject, document))).toBeUndefined();
  });

  it('opens at no length but its own, and with no character changed', () => {
    const sealed = sealKeySet(keys, subject, document);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openKeySet(keys, subject, sealed.slice(0, length))).toBeUndefined();
      const changed = sealed[length] === 'A' ? 'B' : 'A';
      expect(openKeySet(keys, subject, sealed.slice(0, length) + changed + sealed.slice(length + 1))).toBeUndefined();
    }
  });

  it('is of the expected shape, or nothing', () => {
    const place = { purpose: 'key-set/document', subject: JSON.stringify(Object.values(subject)), version: 1 };
    expect(
      openKeySet(keys, subject, keys.seal(place, `${JSON.stringify({ ...document, text: undefined })}\nok`)),
    ).toBeDefined();
    for (const text of [
      '',
      '\n',
      'no line',
      '{}\n{"keys":[]}',
      '{"fetchedAtMs":"7","freshForSeconds":300,"flush":0}\n{}',
    ]) {
      expect(openKeySet(keys, subject, keys.seal(place, text))).toBeUndefined();
    }
  });

  it('fits on the shelf with the longest document that is ever fetched', () => {
    const text = '"'.repeat(1024 * 1024);
    const sealed = sealKeySet(keys, subject, { ...document, text });
    expect(sealed.length).toBeLessThan(KEY_SET_SHELF_LIMITS.documentBytes);
    expect(openKeySet(keys, subject, sealed)?.text).toBe(text);
    expect(sealKeySetAttempt(keys, subject, attempt).length).toBeLessThan(KEY_SET_SHELF_LIMITS.attemptBytes);
  });
});
