-- Up Migration

-- How far the keys of a store are rotated, written with the change they belong to. What decides is the store's stream: these
-- rows say where to look, and what to count.
create table key_rotations (
  key_store_id text primary key,
  -- Of the newest rotation that is under way; null: none is.
  stage text check (stage in ('publishing', 'waiting', 'retiring')),
  stage_since timestamptz,
  -- When something may be to be done; null: not before somebody changes something.
  look_at timestamptz,
  -- When a key of it last began to sign by rotation; null: none has yet.
  last_signed_at timestamptz,
  check ((stage is null) = (stage_since is null))
);
create index key_rotations_to_look_at on key_rotations (look_at) where look_at is not null;

-- Down Migration

drop table key_rotations;
