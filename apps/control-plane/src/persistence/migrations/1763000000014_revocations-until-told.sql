-- Up Migration

-- Whoever has the old secret of a user or a client gets tokens by it until the environment knows of the new one: the
-- revocation that comes with it means tokens issued until that moment, which is not known before.
alter table token_revocations add column is_until_told boolean not null default false;

-- Down Migration

alter table token_revocations drop column is_until_told;
