#include "tests/support/old_reading_parts.h"

namespace guildhall::test {

// Columns that came later were added, so that the stored text of a table is the one that SQLite makes of
// that.
const std::string_view kOldReadingTables = R"sql(
[l0]CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, discord_id INTEGER UNIQUE, username TEXT);
[until_l1][from_l1]CREATE TABLE users (
[until_l1][from_l1]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[until_l1][from_l1]    discord_id INTEGER UNIQUE NOT NULL,
[until_l1][from_l1]    username TEXT NOT NULL,
[until_l1][from_l1]    anilist_username TEXT
[until_l1][from_l1][code]    , anilist_id INTEGER,
[until_l1][from_l1][code]    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
[until_l1][from_l1][code]    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP
[until_l1][from_l1]);
[until_l1][from_l1][stored]ALTER TABLE users ADD COLUMN anilist_id INTEGER;
[from_l2]CREATE TABLE "users" (
[from_l2]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l2]    discord_id INTEGER NOT NULL,
[from_l2]    guild_id INTEGER NOT NULL,
[from_l2]    username TEXT NOT NULL,
[from_l2]    anilist_username TEXT,
[from_l2]    anilist_id INTEGER,
[from_l2]    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
[from_l2]    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP,
[from_l2]    UNIQUE(discord_id, guild_id)
[from_l2]);
CREATE TABLE user_stats (
    discord_id INTEGER PRIMARY KEY,
    username TEXT,
    total_manga INTEGER DEFAULT 0,
    total_anime INTEGER DEFAULT 0,
    avg_manga_score REAL DEFAULT 0,
    avg_anime_score REAL DEFAULT 0
);
[from_l1]ALTER TABLE user_stats ADD COLUMN total_chapters INTEGER;
[from_l1]ALTER TABLE user_stats ADD COLUMN total_episodes INTEGER DEFAULT 0;
CREATE TABLE achievements (
    discord_id INTEGER,
    achievement TEXT,
    timestamp DATETIME DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (discord_id, achievement)
);
CREATE TABLE challenges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    media_id INTEGER NOT NULL,
    media_type TEXT NOT NULL
);
CREATE TABLE manga_challenges (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    manga_id INTEGER NOT NULL,
    title TEXT NOT NULL,
    total_chapters INTEGER NOT NULL,
    chapters_read INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'in_progress',
    FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE TABLE manga_recommendations_votes (
    manga_id INTEGER NOT NULL,
    voter_id INTEGER NOT NULL,
    vote INTEGER NOT NULL, -- +1 or -1
    PRIMARY KEY (manga_id, voter_id)
);
[from_l1]CREATE TABLE user_manga_progress (
[from_l1]    discord_id INTEGER NOT NULL,
[from_l1]    manga_id INTEGER NOT NULL,
[from_l1]    current_chapter INTEGER DEFAULT 0,
[from_l1]    rating REAL DEFAULT 0,
[from_l1]    PRIMARY KEY (discord_id, manga_id)
[from_l1]);
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN title TEXT;
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN status TEXT DEFAULT 'Not Started';
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN points INTEGER DEFAULT 0;
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN started_at TEXT DEFAULT NULL;
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN repeat INTEGER DEFAULT 0;
[from_l1]ALTER TABLE user_manga_progress ADD COLUMN updated_at TEXT DEFAULT NULL;
[from_l1]CREATE TABLE cached_stats (
[from_l1]    discord_id INTEGER PRIMARY KEY,
[from_l1]    username TEXT,
[from_l1]    manga_total INTEGER,
[from_l1]    manga_completed INTEGER,
[from_l1]    manga_avg REAL,
[from_l1]    anime_total INTEGER,
[from_l1]    anime_completed INTEGER,
[from_l1]    anime_avg REAL,
[from_l1]    last_update TEXT
[from_l1]);
[from_l1]ALTER TABLE cached_stats ADD COLUMN manga_progress INTEGER DEFAULT 0;
[from_l1]ALTER TABLE cached_stats ADD COLUMN anime_progress INTEGER DEFAULT 0;
[from_l1]ALTER TABLE cached_stats ADD COLUMN manga_chapters INTEGER DEFAULT 0;
[from_l1]ALTER TABLE cached_stats ADD COLUMN anime_chapters INTEGER DEFAULT 0;
[from_l1]CREATE TABLE global_challenges (
[from_l1]    challenge_id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1][stored]    title TEXT NOT NULL UNIQUE,
[from_l1][code]    title TEXT NOT NULL,
[from_l1][code]    total_chapters INTEGER DEFAULT 0,
[from_l1]    difficulty TEXT DEFAULT 'Medium'
[from_l1]);
[from_l1]ALTER TABLE global_challenges ADD COLUMN challenge_difficulty TEXT DEFAULT 'Medium';
[from_l1]ALTER TABLE global_challenges ADD COLUMN start_date TEXT DEFAULT NULL;
[from_l1]CREATE TABLE challenge_manga (
[from_l1]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1]    challenge_id INTEGER NOT NULL,
[from_l1][stored]    manga_id INTEGER NOT NULL,
[from_l1][code]    manga_id INTEGER NOT NULL UNIQUE,
[from_l1]    title TEXT NOT NULL,
[from_l1]    total_chapters INTEGER NOT NULL,
[from_l1]    FOREIGN KEY (challenge_id) REFERENCES global_challenges(challenge_id)
[from_l1]);
[from_l1]ALTER TABLE challenge_manga ADD COLUMN manga_difficulty TEXT DEFAULT 'Medium';
[from_l1]ALTER TABLE challenge_manga ADD COLUMN medium_type TEXT DEFAULT 'manga';
[from_l1]ALTER TABLE challenge_manga ADD COLUMN country TEXT;
[from_l1]CREATE TABLE user_progress (
[from_l1]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1]    user_id INTEGER NOT NULL,
[from_l1]    challenge_manga_id INTEGER NOT NULL,
[from_l1]    chapters_read INTEGER NOT NULL DEFAULT 0,
[from_l1]    status TEXT NOT NULL DEFAULT 'in_progress',
[from_l1]    FOREIGN KEY (user_id) REFERENCES users(id),
[from_l1]    FOREIGN KEY (challenge_manga_id) REFERENCES challenge_manga(id)
[from_l1]);
[from_l1]CREATE TABLE user_progress_checkpoint (discord_id INTEGER PRIMARY KEY, last_manga_id INTEGER);
[from_l1][stored]CREATE TABLE challenge_rules (id INTEGER PRIMARY KEY AUTOINCREMENT, rules TEXT);
[from_l1][code]CREATE TABLE challenge_rules (
[from_l1][code]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1][code]    rules TEXT NOT NULL,
[from_l1][code]    created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
[from_l1][code]    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP
[from_l1][code]);
[from_l1]CREATE TABLE steam_users (discord_id INTEGER PRIMARY KEY, steam_id TEXT NOT NULL, vanity_name TEXT);
[from_l1]CREATE TABLE invites (
[from_l1]    invite_code TEXT PRIMARY KEY,
[from_l1]    guild_id INTEGER NOT NULL,
[from_l1]    inviter_id INTEGER NOT NULL,
[from_l1]    inviter_name TEXT NOT NULL,
[from_l1]    channel_id INTEGER,
[from_l1]    max_uses INTEGER,
[from_l1]    uses INTEGER DEFAULT 0,
[from_l1]    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
[from_l1]);
[from_l1]CREATE TABLE invite_uses (
[from_l1]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1]    guild_id INTEGER NOT NULL,
[from_l1]    invite_code TEXT NOT NULL,
[from_l1]    inviter_id INTEGER NOT NULL,
[from_l1]    inviter_name TEXT NOT NULL,
[from_l1]    joiner_id INTEGER NOT NULL,
[from_l1]    joiner_name TEXT NOT NULL,
[from_l1]    joined_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
[from_l1]    FOREIGN KEY (invite_code) REFERENCES invites (invite_code)
[from_l1]);
[from_l1]CREATE TABLE recruitment_stats (
[from_l1]    user_id INTEGER PRIMARY KEY,
[from_l1]    guild_id INTEGER NOT NULL,
[from_l1]    username TEXT NOT NULL,
[from_l1]    total_recruits INTEGER DEFAULT 0,
[from_l1]    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
[from_l1]);
[from_l1]CREATE TABLE user_leaves (
[from_l1]    id INTEGER PRIMARY KEY AUTOINCREMENT,
[from_l1]    guild_id INTEGER NOT NULL,
[from_l1]    user_id INTEGER NOT NULL,
[from_l1]    username TEXT NOT NULL,
[from_l1]    left_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
[from_l1]    was_invited_by INTEGER,
[from_l1]    days_in_server INTEGER DEFAULT 0
[from_l1]);
[from_l1]CREATE TABLE invite_tracker_settings (
[from_l1]    guild_id INTEGER PRIMARY KEY,
[from_l1]    announcement_channel_id INTEGER NOT NULL,
[from_l1]    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
[from_l1]);
)sql";

// Of the original's own two scripts: a column without rule or key, and an index on it alone.
const std::string_view kOldReadingSecondGeneration = R"sql(
ALTER TABLE user_stats ADD COLUMN guild_id INTEGER;
ALTER TABLE achievements ADD COLUMN guild_id INTEGER;
ALTER TABLE challenges ADD COLUMN guild_id INTEGER;
ALTER TABLE manga_challenges ADD COLUMN guild_id INTEGER;
ALTER TABLE manga_recommendations_votes ADD COLUMN guild_id INTEGER;
ALTER TABLE user_manga_progress ADD COLUMN guild_id INTEGER;
ALTER TABLE cached_stats ADD COLUMN guild_id INTEGER;
ALTER TABLE global_challenges ADD COLUMN guild_id INTEGER;
ALTER TABLE challenge_manga ADD COLUMN guild_id INTEGER;
ALTER TABLE user_progress ADD COLUMN guild_id INTEGER;
ALTER TABLE user_progress_checkpoint ADD COLUMN guild_id INTEGER;
ALTER TABLE challenge_rules ADD COLUMN guild_id INTEGER;
ALTER TABLE steam_users ADD COLUMN guild_id INTEGER;
UPDATE user_stats SET guild_id = {home};
UPDATE achievements SET guild_id = {home};
UPDATE challenges SET guild_id = {home};
UPDATE manga_challenges SET guild_id = {home};
UPDATE user_manga_progress SET guild_id = {home};
UPDATE cached_stats SET guild_id = {home};
UPDATE user_progress SET guild_id = {home};
UPDATE steam_users SET guild_id = {home};
CREATE INDEX idx_achievements_guild ON achievements (guild_id);
CREATE INDEX idx_cached_stats_guild ON cached_stats (guild_id);
CREATE INDEX idx_user_progress_guild ON user_progress (guild_id);
CREATE INDEX idx_user_manga_progress_guild ON user_manga_progress (guild_id);
[nasty]UPDATE user_manga_progress SET guild_id = NULL WHERE manga_id % 10 = 0;
[nasty]UPDATE steam_users SET guild_id = {other} WHERE discord_id = {id_of_4};
)sql";

const std::string_view kOldReadingThirdGeneration = R"sql(
CREATE TABLE guild_challenges (
    guild_id INTEGER NOT NULL, challenge_id INTEGER NOT NULL, title TEXT NOT NULL, is_active BOOLEAN DEFAULT 1,
    PRIMARY KEY (guild_id, challenge_id));
CREATE TABLE guild_challenge_roles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, guild_id INTEGER NOT NULL, challenge_id INTEGER NOT NULL,
    threshold REAL NOT NULL, role_id INTEGER NOT NULL, created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
    updated_at DATETIME DEFAULT CURRENT_TIMESTAMP, UNIQUE(guild_id, challenge_id, threshold)
[nasty]    , FOREIGN KEY (guild_id, challenge_id) REFERENCES global_challenges (guild_id, challenge_id)
);
CREATE TABLE guild_challenge_rules (guild_id INTEGER PRIMARY KEY, rules TEXT);
CREATE TABLE guild_manga_channels (guild_id INTEGER PRIMARY KEY, channel_id INTEGER NOT NULL);
CREATE TABLE guild_bot_update_channels (guild_id INTEGER PRIMARY KEY, channel_id INTEGER NOT NULL);
CREATE TABLE free_games_channels (guild_id INTEGER PRIMARY KEY, channel_id INTEGER NOT NULL);
CREATE TABLE free_games_posted (game_id TEXT PRIMARY KEY, posted_at TEXT);
CREATE TABLE guild_mod_roles (guild_id INTEGER PRIMARY KEY, role_id INTEGER NOT NULL);
CREATE TABLE welcome_dm (guild_id INTEGER PRIMARY KEY, message TEXT, enabled BOOLEAN DEFAULT 1);
CREATE TABLE bot_config (key TEXT NOT NULL, guild_id TEXT NOT NULL, value TEXT, PRIMARY KEY (key, guild_id));
CREATE TABLE paginator_state (
    message_id TEXT PRIMARY KEY, channel_id TEXT, guild_id TEXT, state_type TEXT, ids TEXT, page INTEGER);
CREATE TABLE feedback_messages (message_id INTEGER PRIMARY KEY, user_id INTEGER, thread_id INTEGER, created_at TEXT);
CREATE TABLE bot_moderators (discord_id INTEGER UNIQUE, username TEXT, added_by INTEGER);
CREATE TABLE planned_features (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT);
CREATE TABLE bot_metrics (metric TEXT PRIMARY KEY, value REAL);
CREATE TABLE media_cache (
    cache_key TEXT PRIMARY KEY, media_id INTEGER, data TEXT, cached_at TIMESTAMP, expires_at TIMESTAMP);
CREATE TABLE scanned_media (media_id INTEGER, media_type TEXT, PRIMARY KEY (media_id, media_type));
CREATE TABLE scan_metadata (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE recommendation_counts (media_id INTEGER PRIMARY KEY, count INTEGER);
CREATE TABLE cover_images (media_id INTEGER PRIMARY KEY, url TEXT);
CREATE TABLE trending_list (rank INTEGER PRIMARY KEY, media_id INTEGER);
CREATE TABLE anilist_snapshot (anilist_id INTEGER PRIMARY KEY, data TEXT, fetched_at TEXT);
CREATE TABLE users_backup AS SELECT * FROM users;
CREATE TABLE user_stats_new (
    discord_id INTEGER, guild_id INTEGER, username TEXT, total_manga INTEGER, PRIMARY KEY (discord_id, guild_id));
CREATE TABLE cached_stats_new (discord_id INTEGER, guild_id INTEGER, PRIMARY KEY (discord_id, guild_id));
INSERT INTO guild_challenges (guild_id, challenge_id, title)
  SELECT {home}, challenge_id, title FROM global_challenges UNION ALL VALUES ({other}, 1, 'Challenge 1');
INSERT INTO guild_challenge_roles (guild_id, challenge_id, threshold, role_id, created_at, updated_at)
  SELECT {home}, challenge_id, 1.0, 600000000000000000 + challenge_id, '2025-10-01 00:00:00', '2025-10-01 00:00:00'
    FROM global_challenges;
INSERT INTO guild_manga_channels VALUES ({home}, 610000000000000001), ({other}, 610000000000000002);
INSERT INTO welcome_dm VALUES ({home}, 'Welcome, it''s 📚 time', 1);
INSERT INTO bot_config VALUES ('theme', '{home}', 'dark'), ('theme', '{other}', 'light');
INSERT INTO paginator_state VALUES ('620000000000000001', '610000000000000001', '{home}', 'recommend', '[1,2]', 1);
INSERT INTO feedback_messages VALUES (620000000000000002, {id_of_1}, 620000000000000003, '2025-10-01T10:00:00.000000');
INSERT INTO bot_moderators VALUES ({id_of_1}, 'reader_1', NULL);
INSERT INTO media_cache VALUES ('manga:30001', 30001, '{"title":"Title 1"}', '2025-10-01 00:00:00', NULL);
INSERT INTO user_stats_new VALUES ({id_of_1}, {home}, 'reader_1', 3);
)sql";

const std::string_view kOldReadingOperator = R"sql(
CREATE INDEX users_by_name ON users (username COLLATE NOCASE);
[from_l1]CREATE INDEX progress_by_points ON user_manga_progress (points DESC, discord_id);
[from_l1]CREATE INDEX reading_now ON user_manga_progress (discord_id) WHERE status = 'In Progress';
CREATE INDEX users_by_length ON users (length(username), lower(username));
[from_l1]CREATE UNIQUE INDEX one_steam_account ON steam_users (steam_id);
ALTER TABLE users ADD COLUMN shown_name TEXT GENERATED ALWAYS AS (upper(substr(username, 1, 1)) || substr(username, 2)) VIRTUAL;
[from_l1]CREATE VIEW v_points AS
[from_l1]  SELECT u.discord_id, u.username, sum(p.points) AS points
[from_l1]    FROM users u JOIN user_manga_progress p ON p.discord_id = u.discord_id GROUP BY u.discord_id;
[from_l1]CREATE VIEW v_best AS SELECT username, points FROM v_points ORDER BY points DESC LIMIT 10;
[from_l1]CREATE TABLE progress_counter (id INTEGER PRIMARY KEY CHECK (id = 1), changes INTEGER NOT NULL DEFAULT 0);
[from_l1]INSERT INTO progress_counter VALUES (1, 0);
[from_l1]CREATE TRIGGER count_new_progress AFTER INSERT ON user_manga_progress
[from_l1]BEGIN
[from_l1]  UPDATE progress_counter SET changes = changes + 1;
[from_l1]END;
[from_l1]CREATE TRIGGER count_progress AFTER UPDATE OF current_chapter ON user_manga_progress
[from_l1]WHEN new.current_chapter <> old.current_chapter
[from_l1]BEGIN
[from_l1]  UPDATE progress_counter SET changes = changes + 1;
[from_l1]END;
CREATE TRIGGER no_nameless_user BEFORE INSERT ON users WHEN new.username IS NULL
BEGIN
  SELECT RAISE(ABORT, 'a user has a name; not "null"');
END;
CREATE TABLE "Club ""Notes""" ("said what" TEXT DEFAULT 'it''s; nothing', [by whom] INTEGER, `when` TEXT,
  PRIMARY KEY ("said what", [by whom])) WITHOUT ROWID;
INSERT INTO "Club ""Notes""" VALUES ('a; b -- c', {id_of_1}, '2025-09-22'), ('/* no comment */', {id_of_2}, NULL);
CREATE TABLE strict_numbers (id INTEGER PRIMARY KEY, value REAL NOT NULL CHECK (value >= 0)) STRICT;
INSERT INTO strict_numbers VALUES (1, 0.5);
CREATE TRIGGER note_of_user AFTER DELETE ON users
BEGIN
  INSERT OR IGNORE INTO "Club ""Notes""" VALUES ('left', old.discord_id, NULL);
END;
)sql";

}  // namespace guildhall::test
