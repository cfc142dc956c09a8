import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Redis } from 'ioredis';

const SCRIPT = path.resolve(import.meta.dirname, '../../deploy/redis/make-users-acl.sh');
const OPERATORS = { administrator: 'ADMINISTRATOR', replica: 'REPLICA', sentinel: 'SENTINEL' } as const;

const variableOf = (environment: string): string =>
  `GATEWAY_REDIS_PASSWORD_${environment.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;

/** The users that `deploy/redis` makes for some environments, those who run Redis included, with passwords of their own. */
export class RedisUsers {
  /** What the script prints. */
  readonly file: string;
  readonly #passwords = new Map<string, string>();

  constructor(environments: readonly string[]) {
    const env: Record<string, string> = { PATH: process.env['PATH'] ?? '' };
    env['CONTROL_PLANE_REDIS_PASSWORD'] = this.#newPassword('control-plane');
    for (const one of environments) env[variableOf(one)] = this.#newPassword(`gateway-${one}`);
    for (const [user, word] of Object.entries(OPERATORS)) env[`REDIS_${word}_PASSWORD`] = this.#newPassword(user);
    this.file = execFileSync('sh', [SCRIPT, ...environments], { env, encoding: 'utf8' });
  }

  passwordOf(user: string): string {
    const password = this.#passwords.get(user);
    if (password === undefined) throw new RangeError(user);
    return password;
  }

  /** `user:password@`, as it stands in an address. */
  signIn(user: string): string {
    return `${user}:${encodeURIComponent(this.passwordOf(user))}@`;
  }

  /** Gives them to a server that runs without any, and lets it follow a master as one of them. */
  async giveTo(server: Redis): Promise<void> {
    await server.config('SET', 'masteruser', 'replica', 'masterauth', this.passwordOf('replica'));
    for (const line of this.file.trim().split('\n')) await server.call('ACL', 'SETUSER', ...line.split(' ').slice(1));
  }

  #newPassword(user: string): string {
    // With what has a meaning in addresses.
    const password = `${randomBytes(18).toString('hex')}/@`;
    this.#passwords.set(user, password);
    return password;
  }
}
