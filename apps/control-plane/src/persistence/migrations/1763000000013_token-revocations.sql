-- Up Migration

-- Access tokens that an environment's gateways are not to take any more, by order of this control plane. Written with the
-- change that revokes them, told to the environment's Redis afterwards, and once more when that lost its data.
create table token_revocations (
  environment_id text not null,
  -- What `value` names: a token, a login, a user, a client; everybody has none.
  revoked_by text not null check (revoked_by in ('token', 'family', 'user', 'client', 'everybody')),
  value text not null,
  -- Tokens issued in this second or earlier are meant, epoch seconds; null: whenever.
  issued_until_seconds bigint,
  -- Then the last token that is meant has expired, epoch milliseconds; null: never.
  ends_at_ms bigint,
  -- Who has read the environment's ledger up to here knows of it; null: it is to be told.
  told_sequence bigint,
  primary key (environment_id, revoked_by, value)
);
create index token_revocations_untold on token_revocations (environment_id) where told_sequence is null;

-- The same, by whose order. A projection: the record is the events.
create table read_token_revocations (
  environment_id text not null,
  revoked_by text not null,
  value text not null,
  issued_until_seconds bigint,
  ends_at_ms bigint,
  at timestamptz not null,
  actor text not null,
  reason text,
  primary key (environment_id, revoked_by, value)
);

-- How long the tokens of a proxy's policies live, or those by a user's own settings: the longest that was ever said. A
-- projection. null: for ever.
create table read_token_lives (
  owner_id text primary key,
  project_id text not null,
  longest_life_ms bigint
);
create index read_token_lives_of_project on read_token_lives (project_id);

-- Down Migration

drop table read_token_lives;
drop table read_token_revocations;
drop table token_revocations;
