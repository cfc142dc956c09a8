-- Up Migration

-- Names in use: the constraint that makes them unique, and the way from a name to what bears it.
create table names (
  kind text not null,
  scope text not null,
  name text not null,
  entity_id text not null,
  primary key (kind, scope, name)
);
create index names_by_entity on names (entity_id);

-- Secrets lie beside history, sealed under the master key; events name them by id and fingerprint.
create table secrets (
  secret_id uuid primary key,
  purpose text not null,
  sealed text not null,
  created_at timestamptz not null default now()
);

-- The wish to deploy, written with the change it belongs to, and what became of it.
create table deployment_counters (
  environment_id text primary key,
  last_deployment bigint not null
);
create table deployments (
  environment_id text not null,
  deployment bigint not null,
  proxy_id text not null,
  kind text not null check (kind in ('publish', 'undeploy')),
  revision integer not null,
  actor text not null,
  description text not null,
  requested_at timestamptz not null,
  state text not null default 'pending' check (state in ('pending', 'succeeded', 'failed', 'superseded')),
  result jsonb,
  settled_at timestamptz,
  enqueued_at timestamptz,
  primary key (environment_id, deployment)
);
create index deployments_by_proxy on deployments (proxy_id, environment_id, deployment desc);
create index deployments_open on deployments (environment_id, deployment) where state = 'pending';

-- The wish to tell an environment about a user or a proxy's key pair, newest version only.
create sequence identity_versions;
create table identity_wishes (
  environment_id text not null,
  kind text not null,
  subject text not null,
  entity_id text not null,
  version bigint not null,
  primary key (environment_id, kind, subject)
);

-- Where each environment's channel ended when something was last published, and which record stood there: a Redis that
-- does not hold it lost its data or came back from an old copy. repair_after: up to which proxy everything has been
-- requested again; null when no repair is under way.
create table environment_channels (
  environment_id text primary key,
  epoch text not null,
  sequence bigint not null,
  record_digest text,
  repair_after text
);

-- Read models, written by projections only.
create table read_projects (
  project_id text primary key,
  name text not null,
  description text not null
);
create table read_environments (
  environment_id text primary key,
  name text not null,
  description text not null,
  token_issuer text not null,
  expires_in_unit text not null
);
create table read_api_proxies (
  proxy_id text primary key,
  project_id text not null,
  name text not null,
  description text not null,
  revision integer not null
);
create index read_api_proxies_by_project on read_api_proxies (project_id, name);
create table read_credentials (
  credential_id text primary key,
  project_id text not null,
  username text not null,
  email text not null,
  full_name text not null,
  description text not null,
  enabled boolean not null,
  expires_at timestamptz,
  roles jsonb not null
);

-- Down Migration

drop table read_credentials, read_api_proxies, read_environments, read_projects;
drop table environment_channels, identity_wishes, deployments, deployment_counters, secrets, names;
drop sequence identity_versions;
