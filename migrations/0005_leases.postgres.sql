-- What only one of several processes may do at a time, by kind and name (src/bot/leases). Class G.
CREATE TABLE leases (
  kind   TEXT COLLATE "C" NOT NULL,
  name   TEXT COLLATE "C" NOT NULL,
  -- Who has it; empty: nobody. It lives as long as beats rises.
  holder TEXT COLLATE "C" NOT NULL,
  beats  BIGINT NOT NULL,
  -- What the next holder goes on from.
  kept   TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, name)
);

-- The session of the one shard that there was: so it is resumed, and no event is missed.
INSERT INTO leases (kind, name, holder, beats, kept)
SELECT 'discord.shard', '1/0', '', 0, value FROM process_state WHERE key = 'discord.gateway';
