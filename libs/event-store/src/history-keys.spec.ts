import { CheckpointSeal } from './audit/index.ts';
import { HistoryKeys } from './history-keys.ts';

const keys = HistoryKeys.derivedFrom(
  Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex'),
);
const event = {
  ...{ eventId: '11111111-2222-4333-8444-555555555555', streamId: 'apiProxy-1', streamVersion: 7 },
  ...{ type: 'ProxyRenamed', schemaVersion: 2, recordedAt: '2026-01-02T03:04:05.678Z' },
  metadata: { requestId: 'r-1', actor: 'ada', reason: 'because "ä" \u{1f600}' },
  data: { z: [1, 0.1, 1e21, 5e-324, -0, null, true], a: { é: '\\', A: '' } },
};

/** Made once with Python's hmac and OpenSSL. Whoever changes these bytes makes every history that exists look forged. */
describe('the keys of history, with a key of known bytes', () => {
  it('make this MAC of a first event', () => {
    expect(keys.eventMac(null, event).toString('hex')).toBe(
      'd219d5df8844a29c7826f579e5c3e03d3a96511ed299b3106b6826a652e2e4dd',
    );
  });

  it('make this MAC of an event that has one before it', () => {
    expect(keys.eventMac(Buffer.alloc(32, 0xab), event).toString('hex')).toBe(
      '3b88874b2dfdb2a2b759a4baea894fad5d5ffb8e1f761daf3b8d6e99c9e249da',
    );
  });

  it('make this MAC of a snapshot', () => {
    const snapshot = { streamId: 'apiProxy-1', shape: 'apiProxy@1', version: 7, state: { b: 1, a: [null] } };
    expect(keys.snapshotMac({ ...snapshot, headMac: Buffer.alloc(32, 0xab) }).toString('hex')).toBe(
      '008a0b0e3ced824e91331df8f5d0157338966edd2d64aa18cdd3c9416348622c',
    );
  });

  it('sign checkpoints with this seed, and a checkpoint like this', () => {
    expect(keys.checkpointSeed.toString('hex')).toBe(
      '0bdd84f43fdb333fb439fbe51f5e6d50b89839a3e910cab59f5643e32fd328d0',
    );
    const seal = new CheckpointSeal(keys);
    const { signature } = seal.sign({
      ...{ kind: 'gatewarden/history-checkpoint/1', number: 2, takenAt: '2026-01-02T03:04:05.678Z' },
      ...{ upTo: { epoch: 1, transactionId: '740', sequence: '12' }, eventCount: 11, digest: 'aa', previous: 'bb' },
      heads: [{ streamId: 'apiProxy-1', version: 7, mac: 'cc', places: [10, 11] }],
    });
    expect(signature).toBe(
      'f1a788054f86f9ebb579714a97bebd50a42777fe8e6dcb1ba334bd98de109dfbaf97cb13208f29880a5a35aa467fb6b2acecd7392c666e938875e4a5d09b5708',
    );
    expect(seal.publicKeyPem).toBe(
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAQrizPGNURoEorBfbyv4JEX7YVSGV+RvCCon8tSwhBNQ=\n-----END PUBLIC KEY-----\n',
    );
  });

  it('tell a number that JSON does not have from null', () => {
    const mac = (value: unknown) => keys.eventMac(null, { ...event, data: { value } }).toString('hex');
    expect(mac(JSON.parse('1e400'))).not.toBe(mac(null));
  });
});
