-- Up Migration

-- What gateways of an environment are to obey about key sets by address, and by whose order. A projection: the record is
-- the events. Environments that were there before have no orders.
create table read_key_set_orders (
  environment_id text primary key,
  flushes jsonb not null,
  denied jsonb not null
);

-- Down Migration

drop table read_key_set_orders;
