import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selfSignedCertificate } from '#libs/program-shell/testing';

type Pair = ReturnType<typeof selfSignedCertificate>;
type Owner = 'data' | 'sentinels' | 'client';

/**
 * Certificates of data servers and of Sentinels, made out to one name or address and each of an authority of its own, and one
 * of those who connect: nobody is let in without.
 */
export class RedisCertificates {
  readonly #pairs: Readonly<Record<Owner, Pair>>;

  constructor(
    readonly host: string,
    private readonly directory: string,
  ) {
    const client = selfSignedCertificate('gatewarden.test');
    this.#pairs = {
      data: selfSignedCertificate(host, 'data'),
      sentinels: selfSignedCertificate(host, 'sentinels'),
      client,
    };
    mkdirSync(directory, { recursive: true });
    for (const [owner, { cert, key }] of Object.entries(this.#pairs)) {
      this.#write(`${owner}.pem`, cert);
      this.#write(`${owner}.key`, key);
    }
    this.#write('all.pem', this.#certificatesOf(['data', 'sentinels', 'client']));
  }

  /** As a data server or a Sentinel is told; it trusts all of them, and connects to others with TLS too. */
  serverSettings(owner: 'data' | 'sentinels', port: number): ReadonlyMap<string, string> {
    return new Map([
      ['tls-port', String(port)],
      ['tls-cert-file', this.#file(`${owner}.pem`)],
      ['tls-key-file', this.#file(`${owner}.key`)],
      ['tls-ca-cert-file', this.#file('all.pem')],
      ['tls-auth-clients', 'yes'],
      ['tls-replication', 'yes'],
    ]);
  }

  /** As the programs are told, trusting only so many. */
  clientSettings(trusted: readonly ('data' | 'sentinels')[] = ['data', 'sentinels']): Record<string, string> {
    const authorities = this.#write(`${trusted.join('-and-')}-trusted.pem`, this.#certificatesOf(trusted));
    return {
      REDIS_CA_FILE: authorities,
      REDIS_CLIENT_CERT_FILE: this.#file('client.pem'),
      REDIS_CLIENT_KEY_FILE: this.#file('client.key'),
    };
  }

  /** As a client of the test itself needs it. */
  get operator(): { readonly ca: string; readonly cert: string; readonly key: string } {
    return { ca: this.#certificatesOf(['data', 'sentinels']), ...this.#pairs.client };
  }

  #certificatesOf(owners: readonly Owner[]): string {
    return owners.map((owner) => this.#pairs[owner].cert).join('\n');
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }

  #write(name: string, text: string): string {
    writeFileSync(this.#file(name), text);
    return this.#file(name);
  }
}
