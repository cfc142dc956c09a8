import { keySetAddress } from './key-set-address.ts';

describe('the address of a key set', () => {
  it.each([
    ['https://Login.Example.com', 'https://login.example.com/'],
    ['HTTPS://login.example.com:443/a/../jwks?x=1#keys', 'https://login.example.com/jwks?x=1'],
    ['http://127.0.0.1:8080/jwks', 'http://127.0.0.1:8080/jwks'],
  ])('%s is spelled %s', (text, address) => {
    expect(keySetAddress(text)).toBe(address);
  });

  it.each([
    ...['', 'jwks', '/jwks', '//host/jwks', 'https:host', 'https://', 'ftp://host/', 'file:///etc/passwd'],
    ...['https://user@host/', 'https://:secret@host/', ' https://host/', 'https://host/a b', 'https://ho\nst/'],
  ])('%j is none', (text) => {
    expect(keySetAddress(text)).toBeUndefined();
  });
});
