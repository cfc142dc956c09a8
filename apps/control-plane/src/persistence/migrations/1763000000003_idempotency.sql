-- Up Migration

-- Writes that bore an Idempotency-Key, recorded with the change itself: who said the same thing before, and what he was
-- answered. Kept for 24 hours.
create table idempotency_claims (
  -- SHA-256 of actor, method, path and key: an address may be longer than an index row.
  claim text primary key,
  actor text not null,
  method text not null,
  path text not null,
  key text not null,
  -- The one HTTP request that carried it out: request ids may be given by clients, and come again.
  attempt_id uuid not null,
  request_id text not null,
  body_digest text not null,
  claimed_at timestamptz not null default now(),
  -- Without secrets; null until the request was answered. Not jsonb, which would change the order of its members.
  answer json
);
create index idempotency_claims_by_age on idempotency_claims (claimed_at);

-- Which request wished for a deployment; with an Idempotency-Key also which attempt at it.
alter table deployments add column request_id text, add column attempt_id uuid;
create index deployments_by_attempt on deployments (attempt_id) where attempt_id is not null;

-- Down Migration

drop index deployments_by_attempt;
alter table deployments drop column attempt_id, drop column request_id;
drop table idempotency_claims;
