import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { selfSignedCertificate } from '#libs/program-shell/testing';
import { CertificateKeeper } from '../listener/certificate-keeper.ts';

/** A certificate of its own for the gateways of one spec; its files stay until the spec is over. */
export function servedCertificate(): CertificateKeeper {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'served-certificate-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const [certFile, keyFile] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  const { cert, key } = selfSignedCertificate('gateway.test');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  return new CertificateKeeper(
    { certFile, keyFile, minVersion: 'TLSv1.2' },
    { onReplaced: () => undefined, onRefused: () => undefined },
  );
}
