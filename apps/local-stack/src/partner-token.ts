import { SignJWT, importPKCS8 } from 'jose';
import { PARTNER_ISSUER } from './demo-content.ts';

/** A token as the partner would send it, RS256, good for a day. */
export async function signPartnerToken(privateKeyPem: string): Promise<string> {
  return new SignJWT({ scope: 'orders:read' })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(PARTNER_ISSUER)
    .setSubject('partner-app')
    .setIssuedAt()
    .setExpirationTime('24h')
    .sign(await importPKCS8(privateKeyPem, 'RS256'));
}
