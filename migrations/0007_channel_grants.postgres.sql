-- A server listens to a channel by its owner's consent: who gave it, how long what he granted holds, and for which
-- servers. All of class G.
ALTER TABLE channels ADD COLUMN grant_owner TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN grant_scopes TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN granted_at BIGINT;
-- Why the tokens are of no use (token_state needs_reauth): ran_out, revoked (at the platform), withdrawn (here, and still
-- to be told to the platform).
ALTER TABLE channels ADD COLUMN grant_end TEXT COLLATE "C" NOT NULL DEFAULT '';
-- When servers were last told so.
ALTER TABLE channels ADD COLUMN grant_told_at BIGINT;
-- Grows with every pair of tokens; who may ask for the next pair, until when, by the version that it has seen.
ALTER TABLE channels ADD COLUMN token_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN token_renewing_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN token_renewed_at BIGINT NOT NULL DEFAULT 0;

-- Empty: from before anybody was asked.
ALTER TABLE channel_bindings ADD COLUMN consented_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE channel_bindings ADD COLUMN consented_at BIGINT;
