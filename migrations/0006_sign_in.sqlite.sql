-- Members sign in to the dashboard by Discord: how a session's owner is called, and where Guildhall was among his servers
-- when he signed in (their ids, with a blank between). All of class G.
ALTER TABLE sessions ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN servers TEXT NOT NULL DEFAULT '';

-- What somebody comes back for from a platform: for nothing else is the state good. server_id 0: for no server.
ALTER TABLE oauth_states ADD COLUMN purpose TEXT NOT NULL DEFAULT 'kick.channel';
-- Where on the dashboard he goes then.
ALTER TABLE oauth_states ADD COLUMN back_to TEXT NOT NULL DEFAULT '';
