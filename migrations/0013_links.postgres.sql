-- A member has one account of a platform at a time, as an account has one member (src/bot/links). The works of a server
-- follow each other, so that no two links of one member are made; now the database says so, too. Where somebody has made
-- them by hand nothing is changed, and `guildhall migrate precheck 0013_links` names them.
CREATE UNIQUE INDEX links_member_open ON links (discord_server_id, to_person_id, platform) WHERE undone_at IS NULL;

-- How often a member has asked for an address within a short time: the wait for the next grows with it.
ALTER TABLE link_requests ADD COLUMN asked_in_a_row BIGINT NOT NULL DEFAULT 1;
