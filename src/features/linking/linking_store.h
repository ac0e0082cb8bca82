// The statements of linking.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "store/statement.h"

namespace guildhall::features::linking {

using store::CrossServerStatement;
using store::NoRow;
using store::Statement;

// Requests
// ---------------------------------------------------------------------------------------------------

struct NewRequest {
  std::string platform;
  std::string member;
  std::string member_name;
  std::string member_handle;
  std::string place;
  std::string key_hash;
  TimePoint now;
  TimePoint recent;  // what he asked for since counts with it
};
BOOST_DESCRIBE_STRUCT(NewRequest, (),
                      (platform, member, member_name, member_handle, place, key_hash, now, recent))

struct UnopenedParams {
  std::string platform;
  std::string member;
};
BOOST_DESCRIBE_STRUCT(UnopenedParams, (), (platform, member))

struct UnopenedRow {
  TimePoint made_at;
  std::int64_t asked_in_a_row = 1;
};
BOOST_DESCRIBE_STRUCT(UnopenedRow, (), (made_at, asked_in_a_row))

struct RequestKey {
  std::string platform;
  std::string member;
  std::string key_hash;
};
BOOST_DESCRIBE_STRUCT(RequestKey, (), (platform, member, key_hash))

struct RequestRow {
  std::string member_name;
  std::string member_handle;
  std::string place_id;
  std::string browser_hash;  // empty: nobody opened it
  std::string account_id;    // empty: nothing is proved
  std::string account_name;
  std::optional<TimePoint> proved_at;
  std::string step;
  std::optional<TimePoint> step_until;
};
BOOST_DESCRIBE_STRUCT(RequestRow, (),
                      (member_name, member_handle, place_id, browser_hash, account_id, account_name,
                       proved_at, step, step_until))

struct OpenRequest {
  std::string platform;
  std::string member;
  std::string key_hash;
  std::string browser;
};
BOOST_DESCRIBE_STRUCT(OpenRequest, (), (platform, member, key_hash, browser))

struct SettleRequest {
  std::string platform;
  std::string member;
  std::string account;
  std::string account_name;
  TimePoint now;
  std::string step;
  std::optional<TimePoint> until;
};
BOOST_DESCRIBE_STRUCT(SettleRequest, (), (platform, member, account, account_name, now, step, until))

inline constexpr Statement<NewRequest, NoRow> kNewRequest{
    "linking.new_request",
    "INSERT INTO link_requests (discord_server_id, platform, member_id, member_name, member_handle, "
    "place_id, key_hash, "
    "made_at, browser_hash, account_id, account_name, step) "
    "VALUES (:server, :platform, :member, :member_name, :member_handle, :place, :key_hash, :now, '', '', '', "
    "'') "
    "ON CONFLICT (discord_server_id, platform, member_id) DO UPDATE SET member_name = excluded.member_name, "
    "member_handle = excluded.member_handle, "
    "place_id = excluded.place_id, key_hash = excluded.key_hash, made_at = excluded.made_at, "
    "browser_hash = '', account_id = '', account_name = '', proved_at = NULL, step = '', step_until = NULL, "
    "asked_in_a_row = CASE WHEN link_requests.made_at > :recent THEN link_requests.asked_in_a_row + 1 "
    "ELSE 1 END"};

/// His address, where no browser has gone on with it.
inline constexpr Statement<UnopenedParams, UnopenedRow> kUnopened{
    "linking.unopened",
    "SELECT made_at, asked_in_a_row FROM link_requests WHERE discord_server_id = :server "
    "AND platform = :platform AND member_id = :member AND browser_hash = ''"};

inline constexpr Statement<RequestKey, RequestRow> kRequest{
    "linking.request",
    "SELECT member_name, member_handle, place_id, browser_hash, account_id, account_name, proved_at, step, "
    "step_until "
    "FROM link_requests WHERE discord_server_id = :server AND platform = :platform AND member_id = :member "
    "AND key_hash = :key_hash"};

/// Locked until the end of the transaction: what else is done with this request waits. Nothing: another
/// browser has it.
inline constexpr Statement<OpenRequest, RequestRow> kOpenRequest{
    "linking.open_request",
    "UPDATE link_requests SET browser_hash = :browser WHERE discord_server_id = :server "
    "AND platform = :platform AND member_id = :member AND key_hash = :key_hash "
    "AND browser_hash IN ('', :browser) "
    "RETURNING member_name, member_handle, place_id, browser_hash, account_id, account_name, proved_at, "
    "step, step_until"};

inline constexpr Statement<SettleRequest, NoRow> kSettleRequest{
    "linking.settle_request",
    "UPDATE link_requests SET account_id = :account, account_name = :account_name, proved_at = :now, "
    "step = :step, step_until = :until "
    "WHERE discord_server_id = :server AND platform = :platform AND member_id = :member"};

// Attempts at what is another's
// ------------------------------------------------------------------------------

struct AttemptParams {
  std::string platform;
  std::string account_hash;
  TimePoint now;
  std::string member;
};
BOOST_DESCRIBE_STRUCT(AttemptParams, (), (platform, account_hash, now, member))

struct AttemptsParams {
  std::string platform;
  std::string account_hash;
  TimePoint since;
};
BOOST_DESCRIBE_STRUCT(AttemptsParams, (), (platform, account_hash, since))

struct CountRow {
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (count))

inline constexpr Statement<AttemptParams, NoRow> kNoteAttempt{
    "linking.note_attempt",
    "INSERT INTO link_attempts (discord_server_id, platform, account_hash, attempted_at, member_id) "
    "VALUES (:server, :platform, :account_hash, :now, :member) "
    "ON CONFLICT (discord_server_id, platform, account_hash, attempted_at, member_id) DO NOTHING"};

inline constexpr Statement<AttemptsParams, CountRow> kCountAttempts{
    "linking.count_attempts",
    "SELECT CAST(count(*) AS BIGINT) AS count FROM link_attempts WHERE discord_server_id = :server "
    "AND platform = :platform AND account_hash = :account_hash AND attempted_at >= :since"};

// Moves
// ------------------------------------------------------------------------------------------------------

struct MoveRow {
  std::int64_t move_id = 0;
  std::string platform;
  std::string account_id;
  std::string account_name;
  std::string holder_id;
  std::string wanted_by;
  std::string wanted_by_name;
  std::string place_id;
  TimePoint due_at;
  std::string state;
};
BOOST_DESCRIBE_STRUCT(MoveRow, (),
                      (move_id, platform, account_id, account_name, holder_id, wanted_by, wanted_by_name,
                       place_id, due_at, state))

struct NewMove {
  std::int64_t move_id;
  std::string platform;
  std::string account;
  std::string account_name;
  std::string holder;
  std::string wanted_by;
  std::string wanted_by_name;
  std::string place;
  TimePoint now;
  TimePoint due;
};
BOOST_DESCRIBE_STRUCT(NewMove, (),
                      (move_id, platform, account, account_name, holder, wanted_by, wanted_by_name, place,
                       now, due))

struct AccountMoves {
  std::string platform;
  std::string account;
  TimePoint since;
};
BOOST_DESCRIBE_STRUCT(AccountMoves, (), (platform, account, since))

struct HolderMove {
  std::string holder;
  std::int64_t move;
};
BOOST_DESCRIBE_STRUCT(HolderMove, (), (holder, move))

struct HolderParams {
  std::string holder;
};
BOOST_DESCRIBE_STRUCT(HolderParams, (), (holder))

struct DueParams {
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(DueParams, (), (now))

struct EndMove {
  std::int64_t move;
  std::string state;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(EndMove, (), (move, state, now))

inline constexpr Statement<NewMove, NoRow> kNewMove{
    "linking.new_move",
    "INSERT INTO link_moves (discord_server_id, move_id, platform, account_id, account_name, holder_id, "
    "wanted_by, wanted_by_name, place_id, asked_at, due_at, state) "
    "VALUES (:server, :move_id, :platform, :account, :account_name, :holder, :wanted_by, :wanted_by_name, "
    ":place, :now, :due, 'open')"};

/// What stands in the way of asking for an account: that somebody asks for it already, or an objection since
/// then.
inline constexpr Statement<AccountMoves, MoveRow> kInTheWay{
    "linking.in_the_way",
    "SELECT move_id, platform, account_id, account_name, holder_id, wanted_by, wanted_by_name, place_id, "
    "CASE WHEN state = 'open' THEN due_at ELSE ended_at END AS due_at, state FROM link_moves "
    "WHERE discord_server_id = :server AND platform = :platform AND account_id = :account "
    "AND (state = 'open' OR (state = 'objected' AND ended_at > :since)) ORDER BY move_id DESC LIMIT 1"};

inline constexpr Statement<HolderMove, MoveRow> kMoveOfHolder{
    "linking.move_of_holder",
    "SELECT move_id, platform, account_id, account_name, holder_id, wanted_by, wanted_by_name, place_id, "
    "due_at, state FROM link_moves WHERE discord_server_id = :server AND move_id = :move "
    "AND holder_id = :holder"};

inline constexpr Statement<HolderParams, MoveRow> kOpenOfHolder{
    "linking.open_of_holder",
    "SELECT move_id, platform, account_id, account_name, holder_id, wanted_by, wanted_by_name, place_id, "
    "due_at, state FROM link_moves WHERE discord_server_id = :server AND state = 'open' "
    "AND holder_id = :holder ORDER BY move_id"};

inline constexpr Statement<DueParams, MoveRow> kDueMoves{
    "linking.due_moves",
    "SELECT move_id, platform, account_id, account_name, holder_id, wanted_by, wanted_by_name, place_id, "
    "due_at, state FROM link_moves WHERE discord_server_id = :server AND state = 'open' "
    "AND due_at <= :now ORDER BY due_at, move_id LIMIT 50"};

/// Whoever changes nothing comes too late.
inline constexpr Statement<EndMove, NoRow> kEndMove{
    "linking.end_move",
    "UPDATE link_moves SET state = :state, ended_at = :now "
    "WHERE discord_server_id = :server AND move_id = :move AND state = 'open'"};

struct DueIn {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(DueIn, (), (first, last, now))

struct ServerRow {
  ServerId discord_server_id;
};
BOOST_DESCRIBE_STRUCT(ServerRow, (), (discord_server_id))

inline constexpr CrossServerStatement<DueIn, ServerRow> kServersWithDueMoves{
    "linking.servers_with_due_moves",
    "finds the servers where accounts are to move whose holders have not objected",
    "SELECT DISTINCT discord_server_id FROM link_moves WHERE discord_server_id BETWEEN :first AND :last "
    "AND state = 'open' AND due_at <= :now"};

// What is of no use any more
// ---------------------------------------------------------------------------------------

struct Before {
  TimePoint before;
};
BOOST_DESCRIBE_STRUCT(Before, (), (before))

struct BeforeIn {
  ServerId first;
  ServerId last;
  TimePoint before;
};
BOOST_DESCRIBE_STRUCT(BeforeIn, (), (first, last, before))

inline constexpr Statement<Before, NoRow> kForgetRequests{
    "linking.forget_requests",
    "DELETE FROM link_requests WHERE discord_server_id = :server AND made_at < :before"};
inline constexpr Statement<Before, NoRow> kForgetAttempts{
    "linking.forget_attempts",
    "DELETE FROM link_attempts WHERE discord_server_id = :server AND attempted_at < :before"};
/// Open ones have no end.
inline constexpr Statement<Before, NoRow> kForgetMoves{
    "linking.forget_moves",
    "DELETE FROM link_moves WHERE discord_server_id = :server AND ended_at < :before"};

inline constexpr CrossServerStatement<BeforeIn, ServerRow> kServersWithOldRequests{
    "linking.servers_with_old_requests",
    "finds the servers whose members' addresses for linking are long over",
    "SELECT DISTINCT discord_server_id FROM link_requests WHERE discord_server_id BETWEEN :first AND :last "
    "AND made_at < :before"};
inline constexpr CrossServerStatement<BeforeIn, ServerRow> kServersWithOldAttempts{
    "linking.servers_with_old_attempts",
    "finds the servers with attempts at others' accounts that count no more",
    "SELECT DISTINCT discord_server_id FROM link_attempts WHERE discord_server_id BETWEEN :first AND :last "
    "AND attempted_at < :before"};
inline constexpr CrossServerStatement<BeforeIn, ServerRow> kServersWithOldMoves{
    "linking.servers_with_old_moves", "finds the servers where moves of accounts have ended long ago",
    "SELECT DISTINCT discord_server_id FROM link_moves WHERE discord_server_id BETWEEN :first AND :last "
    "AND ended_at < :before"};

}  // namespace guildhall::features::linking
