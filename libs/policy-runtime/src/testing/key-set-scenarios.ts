import type { KeySetLife, KeySetMoment, Scenario, ServedKeySet } from './scenario.ts';
import { makeToken, rsaPair, type TestKeyPair } from './token-maker.ts';

/** Where policies and variables of these scenarios say the key set is; who serves it elsewhere replaces this text. */
export const KEY_SET_ADDRESS = 'https://idp.example.org/keys';

const old = { pair: rsaPair(), keyId: 'old' };
const rotated = { pair: rsaPair(), keyId: 'new' };

const tokenOf = ({ pair, keyId }: { pair: TestKeyPair; keyId: string }): string =>
  makeToken({
    header: { alg: 'RS256', kid: keyId },
    payload: { sub: 'alice' },
    algorithm: 'RS256',
    key: pair.privateKey,
  });
const OLD_TOKEN = tokenOf(old);
const NEW_TOKEN = tokenOf(rotated);

const setOf = (...keys: { pair: TestKeyPair; keyId: string }[]): string =>
  JSON.stringify({ keys: keys.map(({ pair, keyId }) => ({ ...pair.jwk, kid: keyId })) });
const ROTATED_AT_10: readonly ServedKeySet[] = [
  { fromSecond: 0, status: 200, body: setOf(old) },
  { fromSecond: 10, status: 200, body: setOf(rotated) },
];

type Outcome = Pick<KeySetMoment, 'documented' | 'observed' | 'fetches'>;
const always = (outcome: string, fetches: number | 'not counted'): Outcome => ({
  documented: outcome,
  observed: outcome,
  fetches: fetches === 'not counted' ? fetches : { documented: fetches, observed: fetches },
});

const unusable = (name: string, status: ServedKeySet['status'], body = ''): KeySetLife => ({
  name,
  served: [{ fromSecond: 0, status, body }],
  moments: [{ atSecond: 1, token: OLD_TOKEN, ...always('InvalidKeyConfiguration', 'not counted') }],
});

const BY_URI = { algorithm: 'RS256', publicKey: { jwks: { uri: KEY_SET_ADDRESS } } };
const BY_VARIABLE = { algorithm: 'RS256', publicKey: { jwks: { uriRef: 'public.jwks-address' } } };

/** Rows about a key set that is fetched, by id. */
export const KEY_SET_SCENARIOS: Readonly<Record<string, Scenario>> = {
  K20: {
    policy: BY_URI,
    keySetLives: [
      unusable('unreachable', 'unreachable'),
      unusable('500', 500, setOf(old)),
      unusable('HTML', 200, '<!doctype html><title>Sign in</title>'),
    ],
  },
  K21: {
    policy: BY_URI,
    keySetLives: [
      {
        name: 'two requests',
        served: [{ fromSecond: 0, status: 200, body: setOf(old) }],
        moments: [
          { atSecond: 1, token: OLD_TOKEN, ...always('pass', 1) },
          { atSecond: 200, token: OLD_TOKEN, ...always('pass', 1) },
        ],
      },
    ],
  },
  K22: {
    policy: BY_URI,
    keySetLives: [
      {
        name: 'rotated at second 10',
        served: ROTATED_AT_10,
        moments: [
          { atSecond: 5, token: OLD_TOKEN, ...always('pass', 1) },
          {
            atSecond: 20,
            token: NEW_TOKEN,
            documented: 'pass',
            observed: 'NoMatchingPublicKey',
            fetches: { documented: 2, observed: 1 },
          },
          {
            atSecond: 200,
            token: NEW_TOKEN,
            documented: 'pass',
            observed: 'NoMatchingPublicKey',
            fetches: { documented: 2, observed: 1 },
          },
          { atSecond: 300, token: NEW_TOKEN, ...always('pass', 2), fetches: 'not counted' },
        ],
      },
    ],
  },
  K23: {
    policy: BY_VARIABLE,
    environment: { 'public.jwks-address': KEY_SET_ADDRESS },
    keySetLives: [
      {
        name: 'expired and rotated',
        served: ROTATED_AT_10,
        moments: [
          { atSecond: 5, token: OLD_TOKEN, ...always('pass', 1) },
          { atSecond: 301, token: NEW_TOKEN, ...always('pass', 2) },
        ],
      },
    ],
  },
};
