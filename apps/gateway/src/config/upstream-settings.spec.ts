import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SettingsReader } from '#libs/program-shell';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { upstreamSettings } from './upstream-settings.ts';

describe('files for HTTPS to upstreams', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'upstream-files-'));
  const [own, other] = [selfSignedCertificate('a.test'), selfSignedCertificate('b.test')];
  const encryptedKey = createPrivateKey(own.key).export({
    ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'not given to the gateway' },
  });
  const texts: Readonly<Record<string, string | Buffer>> = {
    'own.pem': own.cert,
    'own.key': own.key,
    'other.key': other.key,
    'empty.pem': '',
    'no.pem': 'no certificate',
    'encrypted.key': encryptedKey,
  };

  beforeAll(() => {
    for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(directory, name), text);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** What is wrong with them. */
  function faultsOf(files: Readonly<Record<string, string>>): string {
    const placed = Object.entries(files).map(([name, file]) => [name, path.join(directory, file)] as const);
    const reader = new SettingsReader(Object.fromEntries(placed));
    upstreamSettings(reader);
    return reader.faults.join('; ');
  }

  it.each([
    ['an authority', { UPSTREAM_CA_FILE: 'own.pem' }],
    ['a pair', { UPSTREAM_CLIENT_CERT_FILE: 'own.pem', UPSTREAM_CLIENT_KEY_FILE: 'own.key' }],
  ])('are taken: %s', (_what, files) => {
    expect(faultsOf(files)).toBe('');
  });

  it.each([
    ['a file that is not there', { UPSTREAM_CA_FILE: 'none.pem' }, /^UPSTREAM_CA_FILE cannot be read \(ENOENT\)$/],
    [
      'a certificate that is not there',
      { UPSTREAM_CLIENT_CERT_FILE: 'none.pem', UPSTREAM_CLIENT_KEY_FILE: 'own.key' },
      /^UPSTREAM_CLIENT_CERT_FILE cannot be read \(ENOENT\)$/,
    ],
    [
      'a certificate and a key that are directories',
      { UPSTREAM_CLIENT_CERT_FILE: '.', UPSTREAM_CLIENT_KEY_FILE: '.' },
      /^UPSTREAM_CLIENT_CERT_FILE cannot be read \(EISDIR\); UPSTREAM_CLIENT_KEY_FILE cannot be read \(EISDIR\)$/,
    ],
    [
      'a certificate that is none',
      { UPSTREAM_CLIENT_CERT_FILE: 'no.pem', UPSTREAM_CLIENT_KEY_FILE: 'own.key' },
      /^UPSTREAM_CLIENT_CERT_FILE, UPSTREAM_CLIENT_KEY_FILE: no certificates/,
    ],
    [
      'an encrypted key',
      { UPSTREAM_CLIENT_CERT_FILE: 'own.pem', UPSTREAM_CLIENT_KEY_FILE: 'encrypted.key' },
      /^UPSTREAM_CLIENT_CERT_FILE, UPSTREAM_CLIENT_KEY_FILE: no certificates/,
    ],
    ['an empty list of authorities', { UPSTREAM_CA_FILE: 'empty.pem' }, /^UPSTREAM_CA_FILE: no certificates/],
    ['a certificate without its key', { UPSTREAM_CLIENT_CERT_FILE: 'own.pem' }, /go together/],
    [
      'the key of another certificate',
      { UPSTREAM_CLIENT_CERT_FILE: 'own.pem', UPSTREAM_CLIENT_KEY_FILE: 'other.key' },
      /^UPSTREAM_CLIENT_CERT_FILE, UPSTREAM_CLIENT_KEY_FILE: .*KEY_VALUES_MISMATCH/,
    ],
  ])('are refused at the start: %s', (_what, files, fault) => {
    const faults = faultsOf(files);
    expect(faults).toMatch(fault);
    expect(faults).not.toContain(directory);
    expect(faults).not.toContain('PRIVATE');
  });
});
