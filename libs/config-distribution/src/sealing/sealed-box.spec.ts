import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { ChannelKeys, openWith, sealWith, type SealContext } from './sealed-box.ts';

const key = randomBytes(32);
const context: SealContext = { environment: 'production', purpose: 'record', subject: 'proxy-1', version: 7 };
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('a sealed text', () => {
  it('opens under the key and context it was sealed with, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => openWith(key, context, sealWith(key, context, text)) === text,
      ),
    );
  });

  it('differs each time, so that equal contents cannot be told', () => {
    expect(sealWith(key, context, 'same')).not.toBe(sealWith(key, context, 'same'));
  });

  it('is refused once any single byte of its nonce, ciphertext or tag is altered', () => {
    const [format, nonce, body] = sealWith(key, context, 'a short secret').split('.') as [string, string, string];
    const altered = (text: string): string[] => {
      const bytes = Buffer.from(text, 'base64url');
      return [...bytes.keys()].map((at) => {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] ?? 0) ^ 0x01;
        return copy.toString('base64url');
      });
    };
    const forgeries = [
      ...altered(nonce).map((one) => `${format}.${one}.${body}`),
      ...altered(body).map((one) => `${format}.${nonce}.${one}`),
    ];
    expect(forgeries).toHaveLength(12 + 'a short secret'.length + 16);
    for (const forgery of forgeries) expect(openWith(key, context, forgery)).toBeUndefined();
  });

  it.each(['', 'a', 'ab', 'abc'])(
    'is refused once any single character of it is replaced, spare bits included (%j)',
    (text) => {
      const sealed = sealWith(key, context, text);
      for (let at = 0; at < sealed.length; at += 1) {
        for (const character of `${BASE64URL}.=+/ \n`) {
          if (sealed[at] === character) continue;
          expect(openWith(key, context, sealed.slice(0, at) + character + sealed.slice(at + 1))).toBeUndefined();
        }
      }
    },
  );

  it.each([
    ['a character in front', (sealed: string) => ` ${sealed}`],
    ['a character behind', (sealed: string) => `${sealed}=`],
    ['a further part', (sealed: string) => `${sealed}.`],
    ['its last character missing', (sealed: string) => sealed.slice(0, -1)],
    ['no body', (sealed: string) => sealed.slice(0, sealed.lastIndexOf('.') + 1)],
    ['another format', (sealed: string) => sealed.replace('s1.', 's2.')],
    ['nothing of it', () => ''],
  ])('is refused with %s', (_what, change) => {
    expect(openWith(key, context, change(sealWith(key, context, 'text')))).toBeUndefined();
  });

  it.each<[string, Partial<SealContext>]>([
    ['another environment', { environment: 'test' }],
    ['another purpose', { purpose: 'artifact' }],
    ['another subject', { subject: 'proxy-2' }],
    ['a higher version', { version: 8 }],
    ['a lower version', { version: 6 }],
    ['environment and purpose run together otherwise', { environment: 'productionr', purpose: 'ecord' }],
  ])('does not open for %s', (_what, other) => {
    expect(openWith(key, { ...context, ...other }, sealWith(key, context, 'text'))).toBeUndefined();
  });

  it('does not open under another key', () => {
    expect(openWith(randomBytes(32), context, sealWith(key, context, 'text'))).toBeUndefined();
  });
});

describe('ChannelKeys', () => {
  const rootKey = randomBytes(32);
  const place = { purpose: 'record', subject: 'proxy-1', version: 7 };

  it('opens what another holder of the root key sealed', () => {
    const sealed = new ChannelKeys('production', rootKey).seal(place, 'text');
    expect(new ChannelKeys('production', rootKey).open(place, sealed)).toBe('text');
  });

  it('gives every purpose and every environment a key of its own', () => {
    const keys = new ChannelKeys('production', rootKey);
    const others = [keys.keyFor('artifact'), new ChannelKeys('test', rootKey).keyFor('record'), rootKey];
    for (const other of others) expect(keys.keyFor('record').equals(other)).toBe(false);
    expect(keys.keyFor('record')).toHaveLength(32);
    expect(keys.keyFor('record').equals(new ChannelKeys('production', rootKey).keyFor('record'))).toBe(true);
  });

  it('does not open what was sealed for another environment or under another root key', () => {
    const sealed = new ChannelKeys('production', rootKey).seal(place, 'text');
    expect(new ChannelKeys('test', rootKey).open(place, sealed)).toBeUndefined();
    expect(new ChannelKeys('production', randomBytes(32)).open(place, sealed)).toBeUndefined();
  });

  it('takes nothing but 32 bytes as a root key', () => {
    expect(() => new ChannelKeys('production', randomBytes(31))).toThrow('an environment root key has 32 bytes');
  });
});
