// The statements of roles.
#pragma once

#include <string>

#include "base/clock.h"
#include "store/statement.h"

namespace guildhall::features::roles {

using store::CrossServerStatement;
using store::NoParams;
using store::NoRow;
using store::Statement;

// Thresholds ---------------------------------------------------------------------------------------------

struct ThresholdRow {
  std::string role_id;
  std::int64_t minutes = 0;
  std::string role_group;
  bool enabled = true;
};
BOOST_DESCRIBE_STRUCT(ThresholdRow, (), (role_id, minutes, role_group, enabled))

inline constexpr Statement<NoParams, ThresholdRow> kThresholds{
    "roles.thresholds",
    "SELECT role_id, minutes, role_group, enabled FROM watchtime_roles WHERE discord_server_id = :server "
    "ORDER BY minutes, role_id"};
inline constexpr Statement<ThresholdRow, NoRow> kPutThreshold{
    "roles.put_threshold",
    "INSERT INTO watchtime_roles (discord_server_id, role_id, minutes, role_group, enabled) "
    "VALUES (:server, :role_id, :minutes, :role_group, :enabled) "
    "ON CONFLICT (discord_server_id, role_id) DO UPDATE SET minutes = excluded.minutes, "
    "role_group = excluded.role_group, enabled = excluded.enabled"};

struct RoleParams {
  std::string role;
};
BOOST_DESCRIBE_STRUCT(RoleParams, (), (role))
inline constexpr Statement<RoleParams, NoRow> kDropThreshold{
    "roles.drop_threshold",
    "DELETE FROM watchtime_roles WHERE discord_server_id = :server AND role_id = :role"};

struct HolderRow {
  std::string display_name;
  Duration watched_us{0};
};
BOOST_DESCRIBE_STRUCT(HolderRow, (), (display_name, watched_us))
/// Who got a role, as many as are shown.
inline constexpr Statement<RoleParams, HolderRow> kHolders{
    "roles.holders",
    "SELECT p.display_name, COALESCE(w.watched_us, 0) AS watched_us FROM role_grants g "
    "JOIN identities i ON i.discord_server_id = :server AND i.platform = 'discord' "
    "AND i.platform_user_id = g.member_id "
    "JOIN persons p ON p.discord_server_id = :server AND p.person_id = i.person_id "
    "LEFT JOIN watchtime w ON w.discord_server_id = :server AND w.person_id = i.person_id "
    "WHERE g.discord_server_id = :server AND g.role_id = :role "
    "ORDER BY COALESCE(w.watched_us, 0) DESC, i.person_id LIMIT 25"};

// Checks -------------------------------------------------------------------------------------------------

struct FollowParams {
  std::string value;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(FollowParams, (), (value, now))
/// By which settings everybody was looked at last; it lies beside them, under a key that none of them has.
/// Changes nothing where they are the same.
inline constexpr Statement<FollowParams, NoRow> kFollow{
    "roles.follow",
    "INSERT INTO settings (discord_server_id, key, value, updated_at) "
    "VALUES (:server, 'watchtime_roles_followed', :value, :now) "
    "ON CONFLICT (discord_server_id, key) DO UPDATE SET value = excluded.value, "
    "updated_at = excluded.updated_at WHERE settings.value <> excluded.value"};

struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))
inline constexpr Statement<PersonParams, NoRow> kCheck{
    "roles.check",
    "INSERT INTO role_checks (discord_server_id, person_id, taken) VALUES (:server, :person, 0) "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET taken = 0"};
/// Everybody, where there is a role that somebody may get.
inline constexpr Statement<NoParams, NoRow> kCheckAll{
    "roles.check_all",
    "INSERT INTO role_checks (discord_server_id, person_id, taken) SELECT :server, 0, 0 "
    "WHERE EXISTS (SELECT 1 FROM watchtime_roles t WHERE t.discord_server_id = :server AND t.enabled = 1) "
    "OR EXISTS (SELECT 1 FROM settings s WHERE s.discord_server_id = :server "
    "AND s.key = 'kick_linked_role_id' AND s.value <> '') "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET taken = 0"};

// The tick: for all servers whose id lies in [first, last]. -----------------------------------------------

inline constexpr std::string_view kTickReason =
    "finds whose watch time or link earns a role, for the servers of one chunk";

struct CrossedParams {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(CrossedParams, (), (first, last, now))
struct ChunkParams {
  ServerId first;
  ServerId last;
};
BOOST_DESCRIBE_STRUCT(ChunkParams, (), (first, last))

/// Members whose watch time this tick changed and who have reached a role that they were not given; of a
/// group, one above what they have.
inline constexpr CrossServerStatement<CrossedParams, NoRow> kCheckCrossed{
    "roles.check_crossed", kTickReason,
    "INSERT INTO role_checks (discord_server_id, person_id, taken) "
    "SELECT DISTINCT w.discord_server_id, w.person_id, 0 FROM watchtime_roles t "
    "JOIN watchtime w ON w.discord_server_id = t.discord_server_id AND w.updated_at = :now "
    "AND w.watched_us >= t.minutes * 60000000 "
    "JOIN identities i ON i.discord_server_id = w.discord_server_id AND i.person_id = w.person_id "
    "AND i.platform = 'discord' "
    "LEFT JOIN role_grants g ON g.discord_server_id = i.discord_server_id "
    "AND g.member_id = i.platform_user_id AND g.role_id = t.role_id "
    "WHERE t.discord_server_id BETWEEN :first AND :last AND t.enabled = 1 AND g.role_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM role_grants h WHERE h.discord_server_id = i.discord_server_id "
    "AND h.member_id = i.platform_user_id AND t.role_group <> '' AND h.role_group = t.role_group "
    "AND h.role_rank >= t.minutes) ORDER BY 1, 2 ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "taken = 0"};

/// What is put in from now on is left for the next tick.
inline constexpr CrossServerStatement<ChunkParams, NoRow> kTakeChecks{
    "roles.take_checks", kTickReason,
    "UPDATE role_checks SET taken = 1 WHERE discord_server_id BETWEEN :first AND :last"};
inline constexpr CrossServerStatement<ChunkParams, NoRow> kDropChecks{
    "roles.drop_checks", kTickReason,
    "DELETE FROM role_checks WHERE discord_server_id BETWEEN :first AND :last AND taken = 1"};

// The members that are looked at.
#define GUILDHALL_CHECKED_MEMBERS                                                                 \
  "WITH checked AS ("                                                                             \
  " SELECT i.discord_server_id, i.person_id, i.platform_user_id AS member_id FROM role_checks c"  \
  " JOIN identities i ON i.discord_server_id = c.discord_server_id AND i.person_id = c.person_id" \
  " AND i.platform = 'discord'"                                                                   \
  " WHERE c.discord_server_id BETWEEN :first AND :last AND c.taken = 1"                           \
  " UNION SELECT i.discord_server_id, i.person_id, i.platform_user_id FROM role_checks c"         \
  " JOIN identities i ON i.discord_server_id = c.discord_server_id AND i.platform = 'discord'"    \
  " WHERE c.discord_server_id BETWEEN :first AND :last AND c.taken = 1 AND c.person_id = 0)"
#define GUILDHALL_INSERT_CHANGES                                                                             \
  "INSERT INTO role_changes (discord_server_id, member_id, role_id, wanted, reason, role_group, role_rank, " \
  "attempts, lease_until, last_error) "

/// What was reached and not given; of a group the highest alone, where a role that is held was reached, even
/// if it is given to nobody else.
inline constexpr CrossServerStatement<ChunkParams, NoRow> kAddReached{
    "roles.add_reached", kTickReason,
    GUILDHALL_CHECKED_MEMBERS
    ", reached AS ("
    " SELECT m.discord_server_id, m.member_id, t.role_id, t.role_group, t.minutes, g.role_id AS held,"
    " max(t.minutes) OVER (PARTITION BY m.discord_server_id, m.member_id, t.role_group) AS highest"
    " FROM checked m JOIN watchtime_roles t ON t.discord_server_id = m.discord_server_id"
    " LEFT JOIN watchtime w ON w.discord_server_id = m.discord_server_id AND w.person_id = m.person_id"
    " LEFT JOIN role_grants g ON g.discord_server_id = m.discord_server_id AND g.member_id = m.member_id"
    " AND g.role_id = t.role_id"
    " LEFT JOIN settings e ON e.discord_server_id = m.discord_server_id AND e.key = 'watchtime_roles_enabled'"
    " LEFT JOIN setting_defaults d ON d.key = 'watchtime_roles_enabled'"
    " WHERE COALESCE(e.value, d.value, 'true') = 'true'"
    " AND (g.role_id IS NOT NULL"
    " OR (t.enabled = 1 AND w.watched_us >= t.minutes * 60000000))) " GUILDHALL_INSERT_CHANGES
    "SELECT discord_server_id, member_id, role_id, 'add', 'watchtime', role_group, minutes, 0, 0, '' "
    "FROM reached WHERE held IS NULL AND (role_group = '' OR minutes = highest) ORDER BY 1, 2, 3 "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO UPDATE SET wanted = 'add', attempts = 0, "
    "lease_until = 0, last_error = '' WHERE role_changes.wanted = 'remove'"};

inline constexpr CrossServerStatement<ChunkParams, NoRow> kAddLinked{
    "roles.add_linked", kTickReason,
    GUILDHALL_CHECKED_MEMBERS
    " " GUILDHALL_INSERT_CHANGES
    "SELECT m.discord_server_id, m.member_id, s.value, 'add', 'linked', '', 0, 0, 0, '' FROM checked m "
    "JOIN settings s ON s.discord_server_id = m.discord_server_id AND s.key = 'kick_linked_role_id' "
    "AND s.value <> '' "
    "LEFT JOIN role_grants g ON g.discord_server_id = m.discord_server_id AND g.member_id = m.member_id "
    "AND g.role_id = s.value "
    "LEFT JOIN role_changes c ON c.discord_server_id = m.discord_server_id AND c.member_id = m.member_id "
    "AND c.role_id = s.value "
    "WHERE (g.role_id IS NULL OR c.wanted = 'remove') AND EXISTS (SELECT 1 FROM identities k "
    "WHERE k.discord_server_id = m.discord_server_id AND k.person_id = m.person_id AND k.platform = 'kick' "
    "AND k.home_person_id <> k.person_id) ORDER BY 1, 2 "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO UPDATE SET wanted = 'add', attempts = 0, "
    "lease_until = 0, last_error = '' WHERE role_changes.wanted = 'remove'"};

/// Of members without a link, and of everybody where another role is named by now; a role that is also earned
/// by watch time stays.
inline constexpr CrossServerStatement<ChunkParams, NoRow> kTakeLinked{
    "roles.take_linked", kTickReason,
    GUILDHALL_CHECKED_MEMBERS
    ", given AS ("
    " SELECT m.discord_server_id, m.person_id, m.member_id, g.role_id FROM checked m"
    " JOIN role_grants g ON g.discord_server_id = m.discord_server_id AND g.member_id = m.member_id"
    " AND g.reason = 'linked'"
    " UNION SELECT m.discord_server_id, m.person_id, m.member_id, c.role_id FROM checked m"
    " JOIN role_changes c ON c.discord_server_id = m.discord_server_id AND c.member_id = m.member_id"
    " AND c.reason = 'linked' AND c.wanted = 'add') " GUILDHALL_INSERT_CHANGES
    "SELECT v.discord_server_id, v.member_id, v.role_id, 'remove', 'linked', '', 0, 0, 0, '' FROM given v "
    "WHERE (NOT EXISTS (SELECT 1 FROM identities k WHERE k.discord_server_id = v.discord_server_id "
    "AND k.person_id = v.person_id AND k.platform = 'kick' AND k.home_person_id <> k.person_id) "
    "OR EXISTS (SELECT 1 FROM settings s WHERE s.discord_server_id = v.discord_server_id "
    "AND s.key = 'kick_linked_role_id' AND s.value <> '' AND s.value <> v.role_id)) "
    "AND NOT EXISTS (SELECT 1 FROM watchtime_roles t WHERE t.discord_server_id = v.discord_server_id "
    "AND t.role_id = v.role_id AND t.enabled = 1) ORDER BY 1, 2, 3 "
    "ON CONFLICT (discord_server_id, member_id, role_id) DO UPDATE SET wanted = 'remove', attempts = 0, "
    "lease_until = 0, last_error = '' WHERE role_changes.wanted = 'add'"};

#undef GUILDHALL_CHECKED_MEMBERS
#undef GUILDHALL_INSERT_CHANGES

}  // namespace guildhall::features::roles
