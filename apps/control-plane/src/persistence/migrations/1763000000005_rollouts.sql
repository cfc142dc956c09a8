-- Up Migration

-- Deployments that go from environment to environment in waves, written with the change they belong to. A row is locked by
-- whoever decides how it goes on, so that no wave begins twice.
create table rollouts (
  rollout_id uuid primary key,
  proxy_id text not null,
  revision integer not null,
  description text not null,
  -- Who asked for it, for the deployments of later waves.
  actor text not null,
  request_id text not null,
  attempt_id uuid,
  stop_on_failure boolean not null,
  min_applied_percent integer not null,
  -- The wave that began last, from 1.
  wave integer not null,
  state text not null default 'running' check (state in ('running', 'finished', 'stopped')),
  reason text,
  started_at timestamptz not null,
  ended_at timestamptz
);
create index rollouts_running on rollouts (proxy_id) where state = 'running';

-- An environment gets the number of its deployment when its wave begins.
create table rollout_environments (
  rollout_id uuid not null references rollouts on delete cascade,
  environment_id text not null,
  wave integer not null,
  state text not null check (state in ('waiting', 'started', 'cancelled', 'superseded')),
  deployment bigint,
  message text,
  primary key (rollout_id, environment_id),
  check ((state = 'started') = (deployment is not null))
);
create index rollout_environments_by_deployment on rollout_environments (environment_id, deployment)
  where deployment is not null;

-- Down Migration

drop table rollout_environments, rollouts;
