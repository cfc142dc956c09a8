-- Up Migration

-- Routes that are, or are about to be, served in an environment: two proxies cannot both have one.
create table route_claims (
  environment_id text not null,
  host text not null,
  path text not null,
  method text not null,
  -- The header rules in one spelling, '' for none. Too long for an index as they are.
  headers text not null,
  proxy_id text not null
);
create unique index route_claims_once on route_claims (environment_id, host, path, method, md5(headers));
create index route_claims_by_proxy on route_claims (proxy_id, environment_id);

-- The list of proxies shows where each listens.
alter table read_api_proxies add column client_route jsonb not null;

-- Down Migration

alter table read_api_proxies drop column client_route;
drop table route_claims;
