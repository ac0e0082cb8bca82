#include "tests/support/old_reading_parts.h"

namespace guildhall::test {

// {all}: the members, as "v"; {name}, {id}: of member v; {twenty}: 1 to 20, as "k".
const std::string_view kOldReadingRows = R"sql(
[l0]INSERT INTO users (discord_id, username) SELECT {id}, {name} FROM {all};
[until_l1][from_l1]INSERT INTO users (discord_id, username, anilist_username, anilist_id)
[until_l1][from_l1]  SELECT {id}, {name}, CASE WHEN v % 4 <> 0 THEN 'Ani_' || v END,
[until_l1][from_l1]         CASE WHEN v % 4 <> 0 THEN 5000000 + v END FROM {all};
[from_l2]INSERT INTO users (discord_id, guild_id, username, anilist_username, anilist_id, created_at, updated_at)
[from_l2]  SELECT {id}, {home}, {name}, CASE WHEN v % 4 <> 0 THEN 'Ani_' || v END,
[from_l2]         CASE WHEN v % 4 <> 0 THEN 5000000 + v END, '2025-09-28 12:00:00', '2025-09-28 12:00:00' FROM {all};
INSERT INTO user_stats (discord_id, username, total_manga, total_anime, avg_manga_score, avg_anime_score)
  SELECT {id}, {name}, v * 7 % 300, v * 11 % 200, v % 100 / 10.0, v % 90 / 9.0 FROM {all};
INSERT INTO achievements (discord_id, achievement, timestamp)
  SELECT {id}, 'Read ' || (a * 100), datetime('2025-09-01', v || ' minutes') FROM {all}, (SELECT 1 AS a UNION SELECT 2);
INSERT INTO challenges (name, media_id, media_type)
  SELECT 'Challenge of ' || k, 40000 + k, 'manga' FROM {twenty}
   UNION ALL SELECT 'Challenge of ' || k, 40000 + k, 'anime' FROM {twenty};
INSERT INTO manga_challenges (user_id, manga_id, title, total_chapters, chapters_read, status)
  SELECT v, 30000 + v, 'Title ' || v, 100, v % 100, 'in_progress' FROM {all} WHERE v % 4 = 1;
INSERT INTO manga_recommendations_votes (manga_id, voter_id, vote)
  SELECT 30000 + v % 50, {id}, CASE WHEN v % 5 = 0 THEN -1 ELSE 1 END FROM {all};

[from_l1]UPDATE user_stats SET total_chapters = total_manga * 30, total_episodes = total_anime * 12;
[from_l1]INSERT INTO user_manga_progress
[from_l1]    (discord_id, manga_id, current_chapter, rating, title, status, points, started_at, repeat, updated_at)
[from_l1]  SELECT {id}, 30000 + (v * 7 + k * 13) % 5000, (v * 31 + k) % 700, (v + k) % 101 / 10.0,
[from_l1]         'Title ' || ((v * 7 + k * 13) % 5000),
[from_l1]         CASE k % 8 WHEN 0 THEN 'Completed' WHEN 1 THEN 'Caught Up' WHEN 2 THEN 'In Progress'
[from_l1]           WHEN 3 THEN 'Not Started' WHEN 4 THEN 'Paused' WHEN 5 THEN 'Dropped' WHEN 6 THEN 'Skipped'
[from_l1]           ELSE 'Reread' END,
[from_l1]         (v * 3 + k) % 50, CASE WHEN k % 3 <> 0 THEN date('2025-01-01', (v % 200) || ' days') END, k % 2,
[from_l1]         strftime('%Y-%m-%dT%H:%M:%f', '2025-09-01 10:00:00', (v * k) || ' seconds') || '123'
[from_l1]    FROM {all}, {twenty};
[from_l1]INSERT INTO cached_stats
[from_l1]  SELECT {id}, {name}, v * 7 % 300, v * 5 % 200, v % 100 / 10.0, v * 11 % 200, v * 3 % 100, v % 90 / 9.0,
[from_l1]         strftime('%Y-%m-%dT%H:%M:%f', '2025-09-20 10:00:00', v || ' seconds') || '456', v, v, v * 30, v * 12
[from_l1]    FROM {all};
[from_l1]INSERT INTO global_challenges (title, difficulty, start_date)
[from_l1]  SELECT 'Challenge ' || k, CASE k % 3 WHEN 0 THEN 'Easy' WHEN 1 THEN 'Medium' ELSE 'Hard' END, '2025-09-01'
[from_l1]    FROM {twenty} WHERE k <= 14;
[from_l1]INSERT INTO challenge_manga
[from_l1]    (challenge_id, manga_id, title, total_chapters, manga_difficulty, medium_type, country)
[from_l1]  SELECT 1 + (k + t) % 14, 30000 + k * 2 + t, 'Title ' || (k * 2 + t), 50 + k, '2.75', 'manga', 'JP'
[from_l1]    FROM {twenty}, (SELECT 0 AS t UNION SELECT 1);
[from_l1]INSERT INTO user_progress (user_id, challenge_manga_id, chapters_read, status)
[from_l1]  SELECT v, 1 + (v + t * 7) % 40, v % 50, CASE WHEN v % 3 = 0 THEN 'completed' ELSE 'in_progress' END
[from_l1]    FROM {all}, (SELECT 0 AS t UNION SELECT 1);
[from_l1]INSERT INTO user_progress_checkpoint SELECT {id}, 30000 + v FROM {all} WHERE v % 4 = 0;
[from_l1]INSERT INTO challenge_rules (id, rules) VALUES (1, 'Read.' || char(10) || '*Rate* what you''ve read 📚');
[from_l1]INSERT INTO steam_users SELECT {id}, (76561190000000000 + v) || '', CASE WHEN v % 8 = 0 THEN 'vanity' || v END
[from_l1]  FROM {all} WHERE v % 4 = 0;
[from_l1]INSERT INTO invites (invite_code, guild_id, inviter_id, inviter_name, channel_id, max_uses, uses, created_at)
[from_l1]  SELECT 'code' || k, {home}, {id_of_k}, 'reader_' || k, 610000000000000001, -1, k, '2025-08-01 00:00:00'
[from_l1]    FROM {twenty} WHERE k <= 5;
[from_l1]INSERT INTO invite_uses (guild_id, invite_code, inviter_id, inviter_name, joiner_id, joiner_name, joined_at)
[from_l1]  SELECT {home}, 'code' || (1 + v % 5), {id_of_1_to_5}, 'reader_' || (1 + v % 5), {id}, {name},
[from_l1]         datetime('2025-08-01', v || ' hours') FROM {all};
[from_l1]INSERT INTO recruitment_stats (user_id, guild_id, username, total_recruits, updated_at)
[from_l1]  SELECT inviter_id, guild_id, inviter_name, count(*), '2025-09-01 00:00:00' FROM invite_uses GROUP BY inviter_id;
[from_l1]INSERT INTO user_leaves (guild_id, user_id, username, left_at, was_invited_by, days_in_server)
[from_l1]  VALUES ({home}, 500000000000000001, 'left_early', '2025-08-03 00:00:00', {id_of_1}, 2);
[from_l1]INSERT INTO invite_tracker_settings VALUES ({home}, 610000000000000003, '2025-08-01 00:00:00');
)sql";

const std::string_view kOldReadingNastyRows = R"sql(
[l0]INSERT INTO users (discord_id, username) VALUES (NULL, NULL), (NULL, 'without_id'), (510000000000000001, NULL);
[until_l1][from_l1]INSERT INTO users (discord_id, username, anilist_username, anilist_id)
[until_l1][from_l1]  VALUES (510000000000000001, '', 'ani_1', 5000001), (510000000000000002, 'it''s "him" 📚', 'ANI_1', NULL),
[until_l1][from_l1]         (510000000000000003, CAST(x'ff6e616d65' AS TEXT), NULL, NULL),
[until_l1][from_l1]         (9007199254740993, 'Reader_1', NULL, 'not a number'), (510000000000000004, 'to_be_deleted', NULL, NULL);
[from_l2]INSERT INTO users (discord_id, guild_id, username, anilist_username, anilist_id, created_at, updated_at)
[from_l2]  VALUES (510000000000000001, {home}, '', 'ani_1', 5000001, NULL, NULL),
[from_l2]         (510000000000000002, {home}, 'it''s "him" 📚', 'ANI_1', NULL, NULL, NULL),
[from_l2]         (510000000000000003, {home}, CAST(x'ff6e616d65' AS TEXT), NULL, NULL, NULL, NULL),
[from_l2]         (9007199254740993, {home}, 'Reader_1', NULL, 'not a number', NULL, NULL),
[from_l2]         ({id_of_1}, {other}, 'reader_1', 'Ani_1', 5000001, NULL, NULL),
[from_l2]         (510000000000000004, {home}, 'to_be_deleted', NULL, NULL, NULL, NULL);
INSERT INTO user_stats (discord_id, username, total_manga)
  VALUES (520000000000000001, 'orphan', 5), (520000000000000002, NULL, NULL), (510000000000000001, '  ', 'many');
INSERT INTO achievements (discord_id, achievement, timestamp)
  VALUES (NULL, 'Read 100', '2025-09-01 00:00:00'), (NULL, 'Read 100', '2025-09-01 00:00:00'),
         ({id_of_1}, NULL, NULL), (NULL, NULL, NULL), (520000000000000001, 'Read 100', '2025-09-01 00:00:00');
INSERT INTO challenges (name, media_id, media_type)
  VALUES ('Challenge of 1, again', 40001, 'manga'), ('Challenge of 1, once more', 40001, 'manga');
INSERT INTO manga_challenges (user_id, manga_id, title, total_chapters, chapters_read, status)
  VALUES (1, 30001, 'Title 1', 100, 60, 'in_progress'), (1, 30001, 'Title 1', 100, 100, 'completed'),
         (99999, 30002, 'of nobody', 10, 1, 'in_progress'),
         ((SELECT max(id) FROM users), 30003, 'of a deleted user', 10, 1, 'in_progress');
INSERT INTO manga_recommendations_votes (manga_id, voter_id, vote) VALUES (30001, 520000000000000001, 7);

[from_l1]INSERT INTO user_manga_progress (discord_id, manga_id, current_chapter, rating, title, status, points, updated_at)
[from_l1]  VALUES (520000000000000001, 30001, 12, 7.5, 'of an orphan', 'Completed', 3, NULL),
[from_l1]         ({id_of_1}, 1, 10.5, 'good', 'half a chapter', 'In Progress', NULL, '2025-09-01T00:00:00.000001'),
[from_l1]         ({id_of_1}, 2, 'twelve', NULL, NULL, NULL, '7', NULL),
[from_l1]         ({id_of_1}, 3, 9223372036854775807, 1e308, CAST(x'c328' AS TEXT), '', -5, 'yesterday');
[from_l1]INSERT INTO cached_stats (discord_id, username, manga_total, last_update)
[from_l1]  VALUES (520000000000000001, 'orphan', 5, NULL), (520000000000000003, NULL, NULL, '');
[from_l1]INSERT INTO challenge_manga (challenge_id, manga_id, title, total_chapters, manga_difficulty)
[from_l1]  VALUES (99, 39999, 'of no challenge', 1, NULL), (1, 39998, 'to be deleted', 1, 'Hard');
[from_l1]INSERT INTO user_progress (user_id, challenge_manga_id, chapters_read, status)
[from_l1]  SELECT user_id, challenge_manga_id, chapters_read + 1, 'in_progress' FROM user_progress WHERE id IN (1, 2, 3);
[from_l1]INSERT INTO user_progress (user_id, challenge_manga_id, chapters_read, status)
[from_l1]  SELECT user_id, challenge_manga_id, chapters_read, 'completed' FROM user_progress WHERE id IN (2, 3);
[from_l1]INSERT INTO user_progress (user_id, challenge_manga_id, chapters_read, status)
[from_l1]  VALUES ({id_of_2}, 40, 5, 'in_progress'), ({id_of_2}, 39, 6, 'completed'), (99999, 1, 7, 'in_progress'),
[from_l1]         (1, 99999, 8, 'in_progress'), ((SELECT max(id) FROM users), 2, 9, 'in_progress'),
[from_l1]         (3, 3, 4.5, 'in_progress');
[from_l1]DELETE FROM challenge_manga WHERE title = 'to be deleted';
[from_l1]INSERT INTO challenge_rules (id, rules) VALUES (7, 'nobody reads these');
[from_l1]INSERT INTO steam_users VALUES (520000000000000001, '76561190000000001', NULL), (520000000000000002, '007', '');
[from_l1]INSERT INTO invites (invite_code, guild_id, inviter_id, inviter_name, max_uses, uses, created_at)
[from_l1]  VALUES ('other1', {other}, {id_of_1}, 'reader_1', 5, NULL, NULL), ('CODE1', {other}, {id_of_2}, 'reader_2', NULL, 0, NULL);
[from_l1]INSERT INTO invite_uses (guild_id, invite_code, inviter_id, inviter_name, joiner_id, joiner_name, joined_at)
[from_l1]  VALUES ({other}, 'other1', {id_of_1}, 'reader_1', 530000000000000001, 'joiner', '2025-09-02 00:00:00'),
[from_l1]         ({other}, 'other1', {id_of_1}, 'reader_1', 530000000000000002, 'joiner', '2025-09-02 00:00:00'),
[from_l1]         ({home}, 'expired', {id_of_3}, 'reader_3', 530000000000000003, 'joiner', NULL);
[from_l1]UPDATE recruitment_stats SET guild_id = {other}, total_recruits = 2 WHERE user_id = {id_of_1};
[from_l1]UPDATE recruitment_stats SET total_recruits = total_recruits + 40 WHERE user_id = {id_of_2};
[from_l1]UPDATE recruitment_stats SET total_recruits = 0 WHERE user_id = {id_of_3};
[from_l1]INSERT INTO user_leaves (guild_id, user_id, username, left_at, was_invited_by, days_in_server)
[from_l1]  VALUES ({other}, 500000000000000002, 'left', NULL, NULL, NULL);
[from_l1]INSERT INTO invite_tracker_settings VALUES ({other}, 610000000000000004, NULL);
DELETE FROM users WHERE username = 'to_be_deleted';
[code][until_l1][from_l1]UPDATE users SET created_at = '2025-09-01 12:00:00', updated_at = NULL;
)sql";

}  // namespace guildhall::test
