-- Up Migration

-- Projects by the name they bore: the audit trail of deleted ones, too, is exported by it. Projects are few, and so are
-- the entries.
CREATE INDEX events_of_created_projects ON events ((data ->> 'name')) WHERE type = 'ProjectCreated';
