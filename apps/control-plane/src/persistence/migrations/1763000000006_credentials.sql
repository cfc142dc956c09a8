-- Up Migration

-- Which proxies' access lists name a credential, to tell the environments when one of the proxies is deleted.
create table credential_access (
  proxy_id text not null,
  credential_id text not null,
  primary key (proxy_id, credential_id)
);
create index credential_access_by_credential on credential_access (credential_id);

alter table read_credentials
  add column ip_list jsonb not null default '[]',
  add column metadata jsonb not null default '[]',
  add column access jsonb not null default '[]',
  add column token_settings jsonb;
alter table read_environments add column own_redis boolean not null default false;
update read_environments environments set own_redis = true from events
  where events.stream_id = 'environment-' || environments.environment_id and events.type = 'EnvironmentCreated'
    and events.data ->> 'redisUrl' is not null;

-- Down Migration

alter table read_environments drop column own_redis;
alter table read_credentials drop column ip_list, drop column metadata, drop column access, drop column token_settings;
drop table credential_access;
