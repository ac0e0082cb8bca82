-- Takes away who consented, on both databases. Bindings and tokens stay; the program before takes a withdrawn
-- consent for one that has to be given again.
ALTER TABLE channel_bindings DROP COLUMN consented_at;
ALTER TABLE channel_bindings DROP COLUMN consented_by;
ALTER TABLE channels DROP COLUMN token_renewed_at;
ALTER TABLE channels DROP COLUMN token_renewing_until;
ALTER TABLE channels DROP COLUMN token_version;
ALTER TABLE channels DROP COLUMN grant_told_at;
ALTER TABLE channels DROP COLUMN grant_end;
ALTER TABLE channels DROP COLUMN granted_at;
ALTER TABLE channels DROP COLUMN grant_scopes;
ALTER TABLE channels DROP COLUMN grant_owner;
