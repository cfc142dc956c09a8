-- Up Migration

-- Keys that everything else at rest is sealed or authenticated with, each wrapped under a key derived from the master key:
-- that one can change, and only these few rows with it. Filled at the first start, which knows the master key.
create table data_keys (
  key_id text primary key,
  purpose text not null,
  number integer not null,
  wrapped text not null,
  -- Names the master key that unwraps it and tells nothing of it.
  master_key_id text not null,
  created_at timestamptz not null default now(),
  unique (purpose, number)
);

-- What was sealed before, or is sealed by an earlier version still running beside, is under what that version derived from
-- its master key: the first start keeps just that as `vault-1`. Not validated, as that key is not there yet.
alter table secrets add column key_id text not null default 'vault-1';
alter table secrets add constraint secrets_key_id foreign key (key_id) references data_keys not valid;
create index secrets_by_key on secrets (key_id);

-- Down Migration

alter table secrets drop column key_id;
drop table data_keys;
