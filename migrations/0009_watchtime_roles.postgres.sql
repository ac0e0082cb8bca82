-- Roles that members get in Discord (src/bot/role_changes, src/features/roles). All class T.

-- What is still to be done in Discord. lease_until: nobody else tries before.
CREATE TABLE role_changes (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  member_id         TEXT COLLATE "C" NOT NULL,
  role_id           TEXT COLLATE "C" NOT NULL,
  wanted            TEXT COLLATE "C" NOT NULL CHECK (wanted IN ('add', 'remove')),
  reason            TEXT COLLATE "C" NOT NULL CHECK (reason IN ('watchtime', 'linked')),
  -- Of the roles of a group a member holds the one of the highest rank. Empty: it adds up with others.
  role_group        TEXT COLLATE "C" NOT NULL,
  role_rank         BIGINT NOT NULL,
  attempts          BIGINT NOT NULL,
  lease_until       BIGINT NOT NULL,
  -- Why it rests; empty: it does not.
  last_error        TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (discord_server_id, member_id, role_id)
);
CREATE INDEX role_changes_due ON role_changes (discord_server_id, lease_until);
CREATE INDEX role_changes_role ON role_changes (discord_server_id, role_id);

-- What the bot gave: it is not given again, and who comes back gets it back.
CREATE TABLE role_grants (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  member_id         TEXT COLLATE "C" NOT NULL,
  role_id           TEXT COLLATE "C" NOT NULL,
  reason            TEXT COLLATE "C" NOT NULL CHECK (reason IN ('watchtime', 'linked')),
  role_group        TEXT COLLATE "C" NOT NULL,
  role_rank         BIGINT NOT NULL,
  granted_at        BIGINT NOT NULL,
  PRIMARY KEY (discord_server_id, member_id, role_id)
);
CREATE INDEX role_grants_role ON role_grants (discord_server_id, role_id);

-- From how many minutes of watch time on a member has a role.
CREATE TABLE watchtime_roles (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  role_id           TEXT COLLATE "C" NOT NULL,
  minutes           BIGINT NOT NULL CHECK (minutes > 0),
  role_group        TEXT COLLATE "C" NOT NULL,
  enabled           BIGINT NOT NULL CHECK (enabled IN (0, 1)),
  PRIMARY KEY (discord_server_id, role_id)
);

-- Whose roles the next tick looks at; person 0: everybody's. taken: a tick is at it.
CREATE TABLE role_checks (
  discord_server_id BIGINT NOT NULL REFERENCES servers,
  person_id         BIGINT NOT NULL,
  taken             BIGINT NOT NULL CHECK (taken IN (0, 1)),
  PRIMARY KEY (discord_server_id, person_id)
);
