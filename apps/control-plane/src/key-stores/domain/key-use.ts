import type { StoredKey } from './key-store.events.ts';

/** What decides which algorithms a key can do. */
export type KeyAbility = Pick<StoredKey, 'keyType' | 'bits' | 'curve' | 'algorithm'>;

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };
/** RFC 7518 section 3.2: a secret is at least as long as the digest, in bits. */
const SECRET_ALGORITHMS: readonly (readonly [string, number])[] = [
  ['HS256', 256],
  ['HS384', 384],
  ['HS512', 512],
];

/** What a key of this kind can do, whatever it is bound to. */
export function algorithmsOfKind({ keyType, bits, curve }: Omit<KeyAbility, 'algorithm'>): readonly string[] {
  switch (keyType) {
    case 'RSA':
      return RSA_ALGORITHMS;
    case 'EC':
      return [CURVE_ALGORITHMS[curve ?? ''] ?? []].flat();
    case 'oct':
      return SECRET_ALGORITHMS.filter(([, least]) => bits >= least).map(([name]) => name);
  }
}

/** What a key may be used for: all that its kind can do, or the one algorithm it is bound to. */
export function algorithmsOf(key: KeyAbility): readonly string[] {
  const able = algorithmsOfKind(key);
  return key.algorithm === null ? able : able.filter((name) => name === key.algorithm);
}

export interface KeyFault {
  /** Named as the run-time faults of keys are (contract 4.1). */
  readonly code: 'WrongKeyType' | 'InvalidCurve' | 'InsufficientKeyLength' | 'WrongAlgorithm' | 'InvalidPrivateKey';
  /** Continues a sentence that began with the key. */
  readonly reason: string;
}

const KEY_TYPE_OF: Readonly<Record<string, StoredKey['keyType']>> = { HS: 'oct', RS: 'RSA', PS: 'RSA', ES: 'EC' };

function kindOf({ keyType, bits, curve }: KeyAbility): string {
  return keyType === 'EC' ? `EC ${curve}` : `${keyType} of ${bits} bits`;
}

function misfit(key: KeyAbility, algorithm: string): KeyFault['code'] {
  if (KEY_TYPE_OF[algorithm.slice(0, 2)] !== key.keyType) return 'WrongKeyType';
  if (algorithmsOfKind(key).includes(algorithm)) return 'WrongAlgorithm';
  return key.keyType === 'EC' ? 'InvalidCurve' : 'InsufficientKeyLength';
}

/** Why a key cannot sign with an algorithm; undefined: it can. */
export function signingFault(key: StoredKey, algorithm: string): KeyFault | undefined {
  const able = algorithmsOf(key);
  if (!able.includes(algorithm)) {
    const list = able.length === 0 ? 'no algorithm' : able.join(', ');
    return { code: misfit(key, algorithm), reason: `is ${kindOf(key)} and is good for ${list}, not for ${algorithm}` };
  }
  if (key.material === null) {
    return {
      code: 'InvalidPrivateKey',
      reason: `is only a public key; signing with ${algorithm} needs the private one`,
    };
  }
  return undefined;
}
