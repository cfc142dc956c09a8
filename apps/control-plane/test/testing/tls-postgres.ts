import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type RunningServer } from '#libs/embedded-servers';
import { selfSignedCertificate } from '#libs/program-shell/testing';

/** A PostgreSQL as a platform team runs it: TLS alone, passwords by scram-sha-256, a role that owns one database. */
export class TlsPostgres {
  readonly directory = mkdtempSync(path.join(os.tmpdir(), 'gatewarden-test-'));
  readonly password = randomBytes(24).toString('hex');
  readonly caFile = path.join(this.directory, 'ca.pem');
  private server!: RunningServer;
  /** Of the superuser. */
  admin!: pg.Pool;

  async start(): Promise<void> {
    chmodSync(this.directory, 0o711);
    this.server = await startEmbeddedPostgres({ dataDir: path.join(this.directory, 'server'), durable: false });
    const setUp = new pg.Client({ connectionString: this.server.url });
    await setUp.connect();
    this.writeServerFiles();
    await setUp.query(`create role plane login password '${this.password}'`);
    await setUp.query('create database plane owner plane');
    await setUp.query('alter system set ssl = on');
    await setUp.query('select pg_reload_conf()');
    await setUp.end();
    const admin = new URL(this.server.url);
    admin.searchParams.set('sslmode', 'no-verify');
    this.admin = new pg.Pool({ connectionString: admin.href });
    this.admin.on('error', () => undefined);
  }

  /** For the role that owns the database. */
  url(members: { readonly password?: string; readonly host?: string; readonly parameters?: object } = {}): string {
    const url = new URL(this.server.url);
    url.username = 'plane';
    url.password = members.password ?? this.password;
    url.hostname = members.host ?? 'localhost';
    url.pathname = '/plane';
    const parameters = members.parameters ?? { sslmode: 'verify-full', sslrootcert: this.caFile };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
    return url.href;
  }

  file(name: string, text: string): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }

  async stop(): Promise<void> {
    await this.admin.end();
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private writeServerFiles(): void {
    const cluster = path.join(this.directory, 'server', 'postgres');
    const { uid, gid } = statSync(path.join(cluster, 'PG_VERSION'));
    const { key, cert } = selfSignedCertificate('localhost');
    writeFileSync(this.caFile, cert);
    const files = {
      'server.crt': cert,
      'server.key': key,
      'pg_hba.conf': 'hostssl all all 127.0.0.1/32 scram-sha-256\n',
    };
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(cluster, name);
      writeFileSync(file, text);
      chmodSync(file, 0o600);
      chownSync(file, uid, gid);
    }
  }
}
