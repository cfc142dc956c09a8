import { type KeyObject } from 'node:crypto';
import { type JwtRefusal } from './jwt-refusal.ts';
import { secretKeyFrom } from './secret-keys.ts';

const bytesOf = (key: KeyObject | JwtRefusal): Buffer | string => ('ok' in key ? key.code : key.export());

describe('secretKeyFrom', () => {
  it.each([
    ['utf8', 'pässword', Buffer.from('pässword', 'utf8')],
    ['hex', '494c6f766541504973', Buffer.from('ILoveAPIs')],
    ['base16', '49 4C 6f\n76 65 41 50 49 73', Buffer.from('ILoveAPIs')],
    ['base64', 'ILo+/+==', Buffer.from('ILo+/+==', 'base64')],
    ['base64', 'ILo+/+', Buffer.from('ILo+/+', 'base64')],
    ['base64url', 'ILo-_-', Buffer.from('ILo+/+', 'base64')],
    ['base64url', 'ILo-_w==', Buffer.from('ILo+/w', 'base64')],
  ] as const)('reads %s %j', (encoding, text, bytes) => {
    expect(bytesOf(secretKeyFrom(text, encoding))).toEqual(bytes);
  });

  it.each([
    ['utf8', ''],
    ['hex', 'abc'],
    ['hex', 'xy'],
    ['hex', ''],
    ['base16', '0x12'],
    ['base64', 'ab-_'],
    ['base64', 'ab cd'],
    ['base64', 'abcde'],
    ['base64', 'abc=='],
    ['base64', '===='],
    ['base64', 'ab=c'],
    ['base64url', 'ab+/'],
    ['base64url', ''],
  ] as const)('answers InvalidSecretKey for %s %j', (encoding, text) => {
    expect(secretKeyFrom(text, encoding)).toEqual({ ok: false, code: 'InvalidSecretKey' });
  });

  it('leaves the length to checkKeyFor', () => {
    expect(bytesOf(secretKeyFrom('x', 'utf8'))).toEqual(Buffer.from('x'));
  });
});
