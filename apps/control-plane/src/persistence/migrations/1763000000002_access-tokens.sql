-- Up Migration

-- Tokens of apiops, written in the transaction of the event they belong to. The digest (SHA-256) is kept here alone:
-- events hold nothing that a token could be recognised by. Projects by id; null: all of them.
create table access_tokens (
  token_id uuid primary key,
  name text not null unique,
  digest bytea not null unique,
  permissions text[] not null,
  project_ids text[],
  expires_at timestamptz,
  created_at timestamptz not null
);

-- What POST /apiops/auth/token gives out. It ends with the token it was got with: its row goes with that token's, and one
-- got with ADMIN_TOKEN (no row of its own) carries a proof that only the same ADMIN_TOKEN and the same session make.
create table access_token_sessions (
  digest bytea primary key,
  token_id uuid references access_tokens on delete cascade,
  admin_proof bytea,
  expires_at timestamptz not null,
  check ((token_id is null) <> (admin_proof is null))
);
create index access_token_sessions_by_token on access_token_sessions (token_id);
create index access_token_sessions_by_end on access_token_sessions (expires_at);

-- Down Migration

drop table access_token_sessions, access_tokens;
