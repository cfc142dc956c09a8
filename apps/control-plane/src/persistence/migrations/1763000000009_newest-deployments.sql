-- Up Migration

-- The newest wish for each proxy in each environment: what is to be served there. Kept in the statement that records a
-- wish, so that finding it costs the same however long the history of deployments is.
create table newest_deployments (
  environment_id text not null,
  proxy_id text not null,
  deployment bigint not null,
  kind text not null check (kind in ('publish', 'undeploy')),
  revision integer not null,
  primary key (environment_id, proxy_id)
);
create index newest_deployments_by_proxy on newest_deployments (proxy_id);
insert into newest_deployments (environment_id, proxy_id, deployment, kind, revision)
select distinct on (environment_id, proxy_id) environment_id, proxy_id, deployment, kind, revision
from deployments order by environment_id, proxy_id, deployment desc;

-- Which identity records an environment's Redis was given, so that one that was lost there is noticed. What was given
-- before this table was there is given once more.
create table told_identities (
  environment_id text not null,
  kind text not null,
  subject text not null,
  entity_id text not null,
  version bigint not null,
  primary key (environment_id, kind, subject)
);
insert into identity_wishes (environment_id, kind, subject, entity_id, version)
select environments.entity_id, identities.kind, identities.name, identities.entity_id, nextval('identity_versions')
from names environments, names identities
where environments.kind = 'environment' and identities.kind in ('client', 'credential')
on conflict (environment_id, kind, subject) do nothing;

-- Down Migration

drop table told_identities, newest_deployments;
