import { ServedDigest, type ServedProxy } from './served-digest.ts';

const proxy = (number: number, changes: Partial<ServedProxy> = {}): ServedProxy => ({
  ...{ proxyId: `proxy-${number}`, deployment: number, hash: `hash-${number}` },
  ...changes,
});

describe('ServedDigest', () => {
  it('is the same for the same proxies, whatever way they came', () => {
    const straight = ServedDigest.of([proxy(1), proxy(2), proxy(3)]);
    const around = ServedDigest.of([proxy(3), proxy(9), proxy(1)]);
    around.remove(proxy(9));
    around.add(proxy(2));
    expect(around.text()).toBe(straight.text());
    expect(around.proxies).toBe(3);
  });

  it.each([
    ['another deployment', [proxy(1), proxy(2, { deployment: 7 })]],
    ['other bytes', [proxy(1), proxy(2, { hash: 'other' })]],
    ['one that is missing', [proxy(1)]],
    ['one too many', [proxy(1), proxy(2), proxy(3)]],
    ['two that changed places', [proxy(1, { deployment: 2 }), proxy(2, { deployment: 1 })]],
  ])('differs with %s', (_what, served) => {
    expect(ServedDigest.of(served).text()).not.toBe(ServedDigest.of([proxy(1), proxy(2)]).text());
  });

  it('of nothing is one of its own', () => {
    expect(new ServedDigest().text()).toBe(Buffer.alloc(16).toString('base64url'));
  });
});
