-- Takes away what linking by members themselves needs, on both databases; links that were made stay. What waits to be
-- sent in private is given up: the program before knows no such message.
DROP INDEX links_member;
DROP TABLE link_moves;
DROP TABLE link_attempts;
DROP TABLE link_requests;
DELETE FROM outbox WHERE substr(destination, 1, 8) <> 'discord:';
ALTER TABLE outbox DROP COLUMN pings;
ALTER TABLE outbox DROP COLUMN fallback;
