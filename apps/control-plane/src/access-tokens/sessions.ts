import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { DATABASE } from '../injection-tokens.ts';
import { AccessTokenDirectory } from './access-token-directory.ts';
import { newSessionToken, tokenDigest } from './token-text.ts';

const SESSION_SECONDS = 3600;

/** Kept for a while after their end, so that their bearer hears that they expired. */
const REMEMBERED_SECONDS = 3600;
/** More than one goes for every one that comes: the table shrinks, and no sign-in waits for a large clean-up. */
const FORGOTTEN_AT_ONCE = 100;

export interface OpenedSession {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

/** Whose token a session is got with. */
export interface SessionHolder {
  readonly tokenName: string;
  /** Null: ADMIN_TOKEN. */
  readonly tokenId: string | null;
}

// Locks the token that the session is got with: one that is being revoked gets none, or the session goes with it.
const OPEN = `
  insert into access_token_sessions (digest, token_id, expires_at)
  select $1, token_id, least(now() + make_interval(secs => $3), expires_at)
  from access_tokens where token_id = $2 and (expires_at is null or expires_at > now()) for key share
  returning extract(epoch from expires_at - now())::float8 as seconds`;
const OPEN_FOR_ADMIN = `
  insert into access_token_sessions (digest, admin_proof, expires_at)
  values ($1, $2, now() + make_interval(secs => $3))
  returning extract(epoch from expires_at - now())::float8 as seconds`;
const FORGET = `
  delete from access_token_sessions where digest in
    (select digest from access_token_sessions where expires_at < now() - make_interval(secs => $1)
     order by expires_at limit $2 for update skip locked)`;

/** What a token is exchanged for: opaque, short-lived, and never outliving the token. */
@Injectable()
export class Sessions {
  constructor(
    @Inject(DATABASE) private readonly database: pg.Pool,
    private readonly directory: AccessTokenDirectory,
  ) {}

  /** Undefined when the name and the token do not belong together, or the token is not valid. */
  async holderOf(tokenName: string, token: string): Promise<SessionHolder | undefined> {
    const standing = await this.directory.ownStanding(token);
    if (standing.status !== 'valid' || standing.access.actor !== tokenName) return undefined;
    return { tokenName, tokenId: standing.tokenId };
  }

  /** Undefined when the token was revoked, or has expired, meanwhile. */
  async open({ tokenId }: SessionHolder): Promise<OpenedSession | undefined> {
    const accessToken = newSessionToken();
    const digest = tokenDigest(accessToken);
    const opened = await (tokenId === null
      ? this.insert(OPEN_FOR_ADMIN, [digest, this.directory.adminProof(accessToken), SESSION_SECONDS])
      : this.insert(OPEN, [digest, tokenId, SESSION_SECONDS]));
    if (opened === undefined) return undefined;
    await this.database.query(FORGET, [REMEMBERED_SECONDS, FORGOTTEN_AT_ONCE]);
    return { accessToken, expiresInSeconds: Math.max(1, Math.floor(opened)) };
  }

  private async insert(statement: string, values: readonly unknown[]): Promise<number | undefined> {
    return (await this.database.query<{ seconds: number }>(statement, [...values])).rows[0]?.seconds;
  }
}
