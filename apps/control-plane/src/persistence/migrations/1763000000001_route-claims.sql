-- Up Migration

-- Routes that are, or are about to be, served in an environment: two proxies cannot both have one.
create table route_claims (
  environment_id text not null,
  host text not null,
  path text not null,
  method text not null,
  proxy_id text not null,
  primary key (environment_id, host, path, method)
);
create index route_claims_by_proxy on route_claims (proxy_id, environment_id);

-- Down Migration

drop table route_claims;
