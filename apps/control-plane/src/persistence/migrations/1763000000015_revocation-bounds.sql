-- Up Migration

-- How long what a login was given can be used, as a proxy's policies or a user's own settings say: an access token until it
-- expires, a refresh token until it does. The longest that was ever said. A projection. null: for ever. It takes the place of
-- read_token_lives, which knew access tokens alone; a control plane of the version before may still write to that one.
create table read_login_lives (
  owner_id text primary key,
  project_id text not null,
  longest_life_ms bigint
);
create index read_login_lives_of_project on read_login_lives (project_id);

-- Whose users, clients and logins are revoked: what a project brings into an environment's ledger is bounded. null: an
-- administrator's order.
alter table token_revocations add column project_id text;
create index token_revocations_of_project on token_revocations (project_id, environment_id) where project_id is not null;

-- Down Migration

drop index token_revocations_of_project;
alter table token_revocations drop column project_id;
drop table read_login_lives;
