import { Inject, Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { Access, ADMINISTRATOR } from '../http/access/access.ts';
import type { Permission } from '../http/api-call.ts';
import type { TokenDirectory, TokenStanding } from '../http/access/token-directory.port.ts';
import { ADMIN_TOKEN, DATABASE } from '../injection-tokens.ts';
import { isSessionToken, tokenDigest } from './token-text.ts';

const UNKNOWN = { status: 'unknown' } as const;
const EXPIRED = { status: 'expired' } as const;

interface TokenRow {
  /** Null in a session of ADMIN_TOKEN, as the rest of the token then. */
  readonly token_id: string | null;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly project_ids: readonly string[] | null;
  readonly expired: boolean;
  readonly admin_proof: Buffer | null;
}

// The database's clock alone decides what has expired: there is one, however many processes there are.
const BY_TOKEN = `
  select token_id, name, permissions, project_ids, null::bytea as admin_proof,
         coalesce(expires_at <= now(), false) as expired
  from access_tokens where digest = $1`;
const BY_SESSION = `
  select session.token_id, name, permissions, project_ids, admin_proof,
         session.expires_at <= now() or coalesce(token.expires_at <= now(), false) as expired
  from access_token_sessions session left join access_tokens token using (token_id) where session.digest = $1`;

const accessIn = (row: TokenRow): Access =>
  new Access(row.name, new Set(row.permissions), row.project_ids === null ? 'all' : new Set(row.project_ids));

/** The standing of a token that is kept, with the id it is kept under. */
export type OwnStanding =
  | { readonly status: 'valid'; readonly access: Access; readonly tokenId: string | null }
  | Exclude<TokenStanding, { status: 'valid' }>;

/** Looks tokens up by their digest: what a lookup takes says nothing of a token that is not known already. */
@Injectable()
export class AccessTokenDirectory implements TokenDirectory {
  private readonly adminDigest: Buffer;

  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    @Inject(ADMIN_TOKEN) private readonly adminToken: string,
  ) {
    this.adminDigest = tokenDigest(adminToken);
  }

  async standingOf(token: string): Promise<TokenStanding> {
    return isSessionToken(token) && !this.isAdminToken(token) ? this.sessionStanding(token) : this.ownStanding(token);
  }

  /** Of a token that was made or is ADMIN_TOKEN; sessions are unknown here, so that none of them begets another. */
  async ownStanding(token: string): Promise<OwnStanding> {
    if (this.isAdminToken(token)) return { status: 'valid', access: ADMINISTRATOR, tokenId: null };
    const row = await this.row(BY_TOKEN, token);
    if (row === undefined) return UNKNOWN;
    return row.expired ? EXPIRED : { status: 'valid', access: accessIn(row), tokenId: row.token_id };
  }

  /**
   * Binds a session to ADMIN_TOKEN without keeping anything that ADMIN_TOKEN, which a person may have chosen, could be
   * guessed with: the key of the HMAC is the session's own text, and that is kept nowhere.
   */
  adminProof(session: string): Buffer {
    return createHmac('sha256', session).update(this.adminToken, 'utf8').digest();
  }

  private async sessionStanding(session: string): Promise<TokenStanding> {
    const row = await this.row(BY_SESSION, session);
    if (row === undefined) return UNKNOWN;
    if (row.admin_proof !== null && !timingSafeEqual(row.admin_proof, this.adminProof(session))) return UNKNOWN;
    if (row.expired) return EXPIRED;
    return { status: 'valid', access: row.admin_proof === null ? accessIn(row) : ADMINISTRATOR };
  }

  private async row(statement: string, token: string): Promise<TokenRow | undefined> {
    return (await this.database.query<TokenRow>(statement, [tokenDigest(token)])).rows[0];
  }

  private isAdminToken(token: string): boolean {
    return timingSafeEqual(tokenDigest(token), this.adminDigest);
  }
}
