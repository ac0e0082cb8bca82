-- Takes away sign-in by Discord, on both databases. Who signed in so is signed out: the program before
-- knows no such session.
DELETE FROM sessions WHERE principal LIKE 'discord:%';
DELETE FROM oauth_states WHERE purpose <> 'kick.channel';
ALTER TABLE sessions DROP COLUMN name;
ALTER TABLE sessions DROP COLUMN servers;
ALTER TABLE oauth_states DROP COLUMN purpose;
ALTER TABLE oauth_states DROP COLUMN back_to;
