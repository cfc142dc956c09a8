import { type KeyObject } from 'node:crypto';

interface AgreementCurve {
  /** Its name in a JWK (RFC 7518 section 6.2.1.1). */
  readonly jwkName: string;
  /** Length of a coordinate, leading zeros included (section 6.2.1.2). */
  readonly coordinateBytes: number;
}

/** The curves for ECDH-ES, by OpenSSL's names. X25519 and X448 are not among those that the policies know. */
const CURVES: ReadonlyMap<string, AgreementCurve> = new Map([
  ['prime256v1', { jwkName: 'P-256', coordinateBytes: 32 }],
  ['secp384r1', { jwkName: 'P-384', coordinateBytes: 48 }],
  ['secp521r1', { jwkName: 'P-521', coordinateBytes: 66 }],
]);

/** The curve of an EC key; undefined when ECDH-ES is not done on it. */
export const agreementCurveOf = (key: KeyObject): AgreementCurve | undefined =>
  CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '');
