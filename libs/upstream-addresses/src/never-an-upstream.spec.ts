import { describe, expect, it } from '@jest/globals';
import { isNeverAnUpstream } from './never-an-upstream.ts';

describe('what is never an upstream', () => {
  it.each([
    ...['169.254.169.254', '169.254.0.1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', 'fe80::1', 'fe80::1%eth0'],
    ...['64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', 'fd00:ec2::254', '168.63.129.16', '100.100.100.200'],
    ...['metadata.google.internal', 'METADATA.goog', 'metadata.google.internal.'],
  ])('%s', (hostname) => {
    expect(isNeverAnUpstream(hostname)).toBe(true);
  });

  it.each(['127.0.0.1', '10.0.0.1', '192.168.1.1', '::1', 'fd00::1', 'orders.internal', 'google.internal', ''])(
    'is not %s',
    (hostname) => {
      expect(isNeverAnUpstream(hostname)).toBe(false);
    },
  );
});
