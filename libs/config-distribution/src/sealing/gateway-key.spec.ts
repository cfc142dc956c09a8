import { randomBytes } from 'node:crypto';
import { gatewayKeyText, newGatewayKey, parseGatewayKey, unwrapRootKey, wrapRootKey } from './gateway-key.ts';

const rootKey = randomBytes(32);

describe('a gateway key', () => {
  it('is read back from its text', () => {
    const key = newGatewayKey();
    expect(parseGatewayKey(gatewayKeyText(key))).toEqual(key);
  });

  it.each([
    ['empty', () => ''],
    ['without its prefix', (text: string) => text.slice(4)],
    ['a character too short', (text: string) => text.slice(0, -1)],
    ['a character too long', (text: string) => `${text}A`],
    ['with an upper-case key id', (text: string) => text.replace(/^gwk_.{12}/, 'gwk_ABCDEF012345')],
    ['with spare bits set', (text: string) => `${text.slice(0, -1)}${text.endsWith('B') ? 'D' : 'B'}`],
    ['with a line break', (text: string) => `${text}\n`],
  ])('is refused when it is %s', (_what, change) => {
    expect(parseGatewayKey(change(gatewayKeyText(newGatewayKey())))).toBeUndefined();
  });

  it('unwraps the root key that was wrapped for it', () => {
    const key = newGatewayKey();
    expect(unwrapRootKey('production', key, wrapRootKey('production', key, rootKey))?.equals(rootKey)).toBe(true);
  });

  it('unwraps no entry of another key, of another environment, or under another name', () => {
    const [key, other] = [newGatewayKey(), newGatewayKey()];
    const entry = wrapRootKey('production', key, rootKey);
    expect(unwrapRootKey('production', other, entry)).toBeUndefined();
    expect(unwrapRootKey('test', key, entry)).toBeUndefined();
    expect(unwrapRootKey('production', { ...key, keyId: other.keyId }, entry)).toBeUndefined();
    expect(unwrapRootKey('production', { ...other, keyId: key.keyId }, entry)).toBeUndefined();
    expect(unwrapRootKey('production', key, 'gibberish')).toBeUndefined();
  });

  it('unwraps no entry whose content has another length', () => {
    const key = newGatewayKey();
    expect(unwrapRootKey('production', key, wrapRootKey('production', key, randomBytes(16)))).toBeUndefined();
  });
});
