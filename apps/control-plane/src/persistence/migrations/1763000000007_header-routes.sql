-- Up Migration

-- The header rules of a route in one spelling, '' for none. Too long for an index as they are.
alter table route_claims add column headers text not null default '';
alter table route_claims alter column headers drop default;
alter table route_claims drop constraint route_claims_pkey;
create unique index route_claims_once on route_claims (environment_id, host, path, method, md5(headers));

-- The list of proxies shows where each listens.
alter table read_api_proxies add column client_route jsonb;
update read_api_proxies proxies set client_route = (
  select events.data -> 'clientRoute' from events
  where events.stream_id = 'apiProxy-' || proxies.proxy_id and events.type in ('ProxyCreated', 'ProxyUpdated')
  order by events.version desc limit 1
);
alter table read_api_proxies alter column client_route set not null;

-- Down Migration

alter table read_api_proxies drop column client_route;
drop index route_claims_once;
alter table route_claims add primary key (environment_id, host, path, method);
alter table route_claims drop column headers;
