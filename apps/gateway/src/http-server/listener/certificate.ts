import { X509Certificate, constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TlsSettings } from './listener-settings.ts';

/** A certificate with its key, ready for handshakes. */
export interface Certificate {
  readonly context: SecureContext;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** `fault` names settings and codes, never content. */
export type CertificateOutcome =
  { readonly ok: true; readonly certificate: Certificate } | { readonly ok: false; readonly fault: string };

/** The text of both files. */
export interface CertificateTexts {
  readonly cert: string;
  readonly key: string;
}

/**
 * For TLS 1.2 only what has forward secrecy and authenticates what it encrypts: also what HTTP/2 demands (RFC 9113 section
 * 9.2.2). TLS 1.3 has nothing else.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';

/** Makes a certificate of two texts; says what is wrong with them. */
export function certificateOf(
  { cert, key }: CertificateTexts,
  minVersion: TlsSettings['minVersion'],
): CertificateOutcome {
  try {
    // A client of TLS 1.2 that asks for further handshakes is told no: each costs a signature, and HTTP/2 forbids them (section 9.2.1).
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
    const context = createSecureContext({ cert, key, minVersion, ciphers: CIPHERS, secureOptions });
    return { ok: true, certificate: { context, expiresAtMs: Date.parse(new X509Certificate(cert).validTo) } };
  } catch (error) {
    const fault = `TLS_CERT_FILE and TLS_KEY_FILE hold no certificate with its key in PEM (${codeOf(error)})`;
    return { ok: false, fault };
  }
}

function readText(setting: string, file: string): { readonly text: string } | { readonly fault: string } {
  try {
    return { text: readFileSync(file, 'latin1') };
  } catch (error) {
    return { fault: `${setting} cannot be read (${codeOf(error)})` };
  }
}

/** Both files as they are now, or every fault. */
export function readCertificateTexts(
  files: Pick<TlsSettings, 'certFile' | 'keyFile'>,
):
  { readonly ok: true; readonly texts: CertificateTexts } | { readonly ok: false; readonly faults: readonly string[] } {
  const cert = readText('TLS_CERT_FILE', files.certFile);
  const key = readText('TLS_KEY_FILE', files.keyFile);
  if ('text' in cert && 'text' in key) return { ok: true, texts: { cert: cert.text, key: key.text } };
  return { ok: false, faults: [cert, key].flatMap((outcome) => ('fault' in outcome ? [outcome.fault] : [])) };
}
