import { hostNameOf } from './host-name.ts';

describe('hostNameOf', () => {
  it.each([
    ['Shop.Example.ORG:8080', 'shop.example.org'],
    ['shop.example.org.', 'shop.example.org'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['my_host', 'my_host'],
  ])('of %s is %s', (authority, name) => {
    expect(hostNameOf(authority)).toBe(name);
  });

  it.each(['', ' ', 'a b', 'a/b', 'user@a', 'a:b', 'a:123456', 'a,b', 'a\u00e9', '[::1', 'a?b'])(
    'is undefined for %j',
    (authority) => {
      expect(hostNameOf(authority)).toBeUndefined();
    },
  );
});
