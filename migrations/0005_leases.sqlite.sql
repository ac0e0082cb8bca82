-- What only one of several processes may do at a time, by kind and name (src/bot/leases). Class G.
CREATE TABLE leases (
  kind   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  -- Who has it; empty: nobody. It lives as long as beats rises.
  holder TEXT    NOT NULL,
  beats  INTEGER NOT NULL,
  -- What the next holder goes on from.
  kept   TEXT    NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- The session of the one shard that there was: so it is resumed, and no event is missed.
INSERT INTO leases (kind, name, holder, beats, kept)
SELECT 'discord.shard', '1/0', '', 0, value FROM process_state WHERE key = 'discord.gateway';
