import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

const DAY_MS = 86_400_000;
/** What a name of a certificate is (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/**
 * A certificate of a name or an IP address that only whoever is told to trusts, in PEM.
 *
 * @param owner whose it is: who trusts several of one hostname tells them apart by it
 */
export function selfSignedCertificate(
  hostname: string,
  owner = hostname,
): { readonly key: string; readonly cert: string } {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  // Positive, and without leading zeros: with two of them by chance it would be no DER (X.690 section 8.3.2).
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + DAY_MS);
  const name = [{ name: 'commonName', value: owner }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  const place = isIP(hostname) === 0 ? { type: DNS_NAME, value: hostname } : { type: IP_ADDRESS, ip: hostname };
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [place] }]);
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
}
