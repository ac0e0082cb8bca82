#include "bot/links.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "bot/activity.h"
#include "bot/ledger.h"
#include "bot/renamed_links.h"
#include "tenancy/counters.h"
#include "tenancy/registry.h"

namespace guildhall::bot {
namespace {

using store::NoRow;
using store::Statement;
using store::TxTask;

struct LinkRow {
  std::int64_t link_id;
  std::string platform;
  std::string platform_user_id;
  PersonId from_person_id;
  PersonId to_person_id;
  std::int64_t moved_points;
  Duration moved_watched_us;
  Duration moved_subscribed_us;
};
BOOST_DESCRIBE_STRUCT(LinkRow, (),
                      (link_id, platform, platform_user_id, from_person_id, to_person_id, moved_points,
                       moved_watched_us, moved_subscribed_us))

struct InsertParams {
  std::int64_t link_id;
  std::string platform;
  PersonId from;
  PersonId to;
  std::int64_t points;
  Duration watched;
  Duration subscribed;
  TimePoint now;
  std::string actor;
};
BOOST_DESCRIBE_STRUCT(InsertParams, (),
                      (link_id, platform, from, to, points, watched, subscribed, now, actor))

struct OpenParams {
  std::string platform;
  PersonId to;
};
BOOST_DESCRIBE_STRUCT(OpenParams, (), (platform, to))

struct UndoneParams {
  std::int64_t link_id;
  TimePoint now;
  std::string actor;
};
BOOST_DESCRIBE_STRUCT(UndoneParams, (), (link_id, now, actor))

struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))

struct MinutesRow {
  Duration watched_us{0};
  Duration subscribed_us{0};
};
BOOST_DESCRIBE_STRUCT(MinutesRow, (), (watched_us, subscribed_us))

struct MinutesParams {
  PersonId person;
  Duration watched;
  Duration subscribed;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(MinutesParams, (), (person, watched, subscribed, now))

constexpr Statement<InsertParams, NoRow> kInsert{
    "links.insert",
    "INSERT INTO links (discord_server_id, link_id, platform, from_person_id, to_person_id, "
    "moved_points, moved_watched_us, moved_subscribed_us, made_at, made_by) VALUES (:server, :link_id, "
    ":platform, "
    ":from, :to, :points, :watched, :subscribed, :now, :actor)"};

constexpr Statement<OpenParams, LinkRow> kOpen{
    "links.open_of_member",
    "SELECT l.link_id, l.platform, i.platform_user_id, l.from_person_id, l.to_person_id, l.moved_points, "
    "l.moved_watched_us, l.moved_subscribed_us FROM identities i JOIN links l ON l.discord_server_id = "
    ":server "
    "AND l.from_person_id = i.home_person_id AND l.undone_at IS NULL "
    "WHERE i.discord_server_id = :server AND i.person_id = :to AND i.platform = :platform "
    "AND i.person_id <> i.home_person_id LIMIT 1"};

constexpr Statement<UndoneParams, NoRow> kUndone{
    "links.undone",
    "UPDATE links SET undone_at = :now, undone_by = :actor "
    "WHERE discord_server_id = :server AND link_id = :link_id AND undone_at IS NULL"};

constexpr Statement<PersonParams, MinutesRow> kMinutes{
    "links.minutes",
    "SELECT watched_us, subscribed_us FROM watchtime WHERE discord_server_id = :server AND person_id = "
    ":person"};

constexpr Statement<MinutesParams, NoRow> kAddMinutes{
    "links.add_minutes",
    "INSERT INTO watchtime (discord_server_id, person_id, watched_us, subscribed_us, last_active_at, "
    "updated_at) "
    "VALUES (:server, :person, :watched, :subscribed, :now, :now) "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "watched_us = watchtime.watched_us + excluded.watched_us, "
    "subscribed_us = watchtime.subscribed_us + excluded.subscribed_us, updated_at = excluded.updated_at"};

constexpr Statement<MinutesParams, NoRow> kTakeMinutes{
    "links.take_minutes",
    "UPDATE watchtime SET watched_us = watched_us - :watched, subscribed_us = subscribed_us - :subscribed, "
    "updated_at = :now WHERE discord_server_id = :server AND person_id = :person"};

struct BroughtParams {
  PersonId viewer;
  std::int64_t points;
  Duration watched;
};
BOOST_DESCRIBE_STRUCT(BroughtParams, (), (viewer, points, watched))

constexpr Statement<BroughtParams, NoRow> kBrought{
    "links.brought",
    "UPDATE links SET moved_points = moved_points + :points, moved_watched_us = moved_watched_us + :watched "
    "WHERE discord_server_id = :server AND from_person_id = :viewer AND undone_at IS NULL"};

struct UndoneByParams {
  std::string platform;
  PersonId member;
  PersonId account;
  std::string actor;
};
BOOST_DESCRIBE_STRUCT(UndoneByParams, (), (platform, member, account, actor))

struct UndoneRow {
  TimePoint undone_at;
};
BOOST_DESCRIBE_STRUCT(UndoneRow, (), (undone_at))

constexpr Statement<UndoneByParams, UndoneRow> kUndoneToOthers{
    "links.undone_to_others",
    "SELECT undone_at FROM links WHERE discord_server_id = :server AND to_person_id = :member "
    "AND platform = :platform AND from_person_id <> :account AND undone_at IS NOT NULL AND undone_by = "
    ":actor "
    "ORDER BY undone_at DESC LIMIT 1"};

struct Moved {
  std::int64_t points = 0;
  Duration watched{0};
  Duration subscribed{0};
};

/// Moves points (with ledger rows), minutes and whatever features keep; the amounts are there.
TxTask<void> move(store::Tx& tx, const std::vector<MoveHandler>& handlers, std::string operation,
                  PersonMove between, std::int64_t points, std::string actor, TimePoint now) {
  if (points > 0) {
    LedgerOperation transfer{
        std::move(operation), between.undo ? "unlink" : "link", "", std::move(actor), {}};
    transfer.entries = {{between.from, -points}, {between.to, points}};
    const auto booked = co_await apply(tx, kPoints, std::move(transfer), now);
    if (!booked) throw ErrorException(booked.error());
  }
  if (between.watched.count() > 0) {
    co_await tx.change(kTakeMinutes, {between.from, between.watched, between.subscribed, now});
    co_await tx.change(kAddMinutes, {between.to, between.watched, between.subscribed, now});
  }
  for (const MoveHandler& handler : handlers) co_await handler(tx, between);
}

std::string described(const Identity& identity) {
  return fmt::format("{} {}", identity.platform, identity.name);
}

TxTask<std::optional<Identity>> find_viewer(store::Tx& tx, const LinkRequest& request) {
  if (request.user_id.empty()) co_return co_await find_identity_by_name(tx, request.platform, request.name);
  co_return co_await find_identity(tx, request.platform, request.user_id);
}

TxTask<std::optional<Identity>> linked_to(store::Tx& tx, PersonId member, std::string platform) {
  for (Identity& held : co_await identities_of(tx, member)) {
    if (held.platform == platform && held.home_person_id != held.person_id) co_return std::move(held);
  }
  co_return std::nullopt;
}

/// Why the two cannot be linked, before anything is made.
TxTask<Result<void>> check_link(store::Tx& tx, const LinkRequest& request, std::optional<PersonId> member) {
  if (trim(request.name).empty() || !is_clean_utf8(request.name)) {
    co_return fail(ErrorCode::invalid, "the viewer's name is missing");
  }
  const auto held = member ? co_await linked_to(tx, *member, request.platform) : std::optional<Identity>{};
  if (held) {
    co_return fail(ErrorCode::conflict, fmt::format("this member is linked to {} already", described(*held)),
                   "Undo that link first: `guildhall member unlink`.");
  }
  const auto viewer = co_await find_viewer(tx, request);
  if (viewer && viewer->person_id != viewer->home_person_id) {
    co_return fail(ErrorCode::conflict,
                   fmt::format("{} is linked to another member already", described(*viewer)),
                   "Undo that link first: `guildhall member unlink`.");
  }
  co_return Result<void>{};
}

/// The viewer's identity; one that was never seen is known by name only.
TxTask<Identity> viewer_identity(store::Tx& tx, const LinkRequest& request, TimePoint now) {
  const auto found = co_await find_viewer(tx, request);
  if (found) co_return *found;
  co_return co_await provisional_identity(tx, request.platform, std::string(trim(request.name)), now);
}

TxTask<Result<LinkRow>> open_link(store::Tx& tx, DiscordUserId member, std::string platform) {
  const auto known = co_await find_identity(tx, kDiscord, member.str());
  auto link = known ? co_await tx.one(kOpen, {platform, known->person_id}) : std::optional<LinkRow>{};
  if (!link) {
    co_return fail(ErrorCode::not_found,
                   fmt::format("member {} has no {} link in this server", member.str(), platform));
  }
  co_return *std::move(link);
}

/// The viewer is a person of his own again. `stays`: what does not go back to him, for the audit log.
TxTask<void> end_link(store::Tx& tx, LinkRow link, DiscordUserId member, tenancy::Actor actor, TimePoint now,
                      std::optional<std::string> stays = std::nullopt) {
  const auto identity = co_await find_identity(tx, link.platform, link.platform_user_id);
  co_await repoint(tx, *identity, link.from_person_id);
  co_await tx.change(kUndone, {link.link_id, now, actor.name});
  const tenancy::AuditEntry entry{std::move(actor), "member.unlink", member.str(), described(*identity),
                                  std::move(stays)};
  co_await tenancy::audit(tx, now, entry);
  co_await note_activity(
      tx, {now, "unlinked", identity->name, std::nullopt, fmt::format("unlink:{}", link.link_id)});
  co_await tenancy::bump_revision(tx);
}

}  // namespace

TxTask<Result<LinkOutcome>> link_member(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                        LinkRequest request, tenancy::Actor actor, TimePoint now) {
  if (!request.user_id.empty())  // who was known by name alone may be this one
    co_await person_of(tx, {request.platform, request.user_id, request.name}, now);
  const auto known = co_await find_identity(tx, kDiscord, request.member.str());
  const auto checked =
      co_await check_link(tx, request, known ? std::optional(known->person_id) : std::nullopt);
  if (!checked) co_return std::unexpected(checked.error());

  PlatformUser user{kDiscord, request.member.str(), request.member_name};
  if (user.name.empty()) user.name = known ? known->name : request.member.str();
  const PersonId member = co_await person_of(tx, user, now);
  const Identity identity = co_await viewer_identity(tx, request, now);
  const PersonId viewer = identity.home_person_id;
  const auto balance = co_await balance_of(tx, kPoints, viewer);
  const auto minutes = (co_await tx.one(kMinutes, {viewer})).value_or(MinutesRow{});
  const auto link_id = co_await tenancy::next_number(tx, "link");
  const InsertParams row{
      link_id, identity.platform, viewer, member, balance.balance, minutes.watched_us, minutes.subscribed_us,
      now,     actor.name};
  co_await tx.change(kInsert, row);
  const PersonMove between{viewer, member, minutes.watched_us, minutes.subscribed_us, false};
  co_await move(tx, handlers, fmt::format("link:{}", link_id), between, balance.balance, actor.name, now);
  co_await repoint(tx, identity, member);
  const tenancy::AuditEntry entry{actor, "member.link", request.member.str(), std::nullopt,
                                  described(identity)};
  co_await tenancy::audit(tx, now, entry);
  co_await note_activity(tx, {now, "linked", identity.name, std::nullopt, fmt::format("link:{}", link_id)});
  co_await tenancy::bump_revision(tx);
  co_return LinkOutcome{member, balance.balance, minutes.watched_us, is_known_by_name(identity)};
}

TxTask<Result<LinkOutcome>> unlink_member(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                          DiscordUserId member, std::string platform, tenancy::Actor actor,
                                          TimePoint now) {
  const auto link = co_await open_link(tx, member, std::move(platform));
  if (!link) co_return std::unexpected(link.error());
  // What was spent since cannot come back; the member's person keeps what was earned while linked.
  const auto balance = co_await balance_of(tx, kPoints, link->to_person_id);
  const auto points = std::min(balance.balance, link->moved_points);
  const PersonMove between{link->to_person_id, link->from_person_id, link->moved_watched_us,
                           link->moved_subscribed_us, true};
  co_await move(tx, handlers, fmt::format("unlink:{}", link->link_id), between, points, actor.name, now);
  co_await end_link(tx, *link, member, std::move(actor), now);
  co_return LinkOutcome{link->from_person_id, points, link->moved_watched_us, false};
}

bool is_known_by_name(const Identity& account) { return account.platform_user_id.starts_with("name:"); }

TxTask<Result<void>> leave_old_name(store::Tx& tx, DiscordUserId member, std::string platform,
                                    tenancy::Actor actor, TimePoint now) {
  const auto link = co_await open_link(tx, member, std::move(platform));
  if (!link) co_return std::unexpected(link.error());
  const auto account = co_await find_identity(tx, link->platform, link->platform_user_id);
  if (!is_known_by_name(*account))
    co_return fail(ErrorCode::not_found, fmt::format("{} is known by its number", described(*account)));
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(link->moved_watched_us).count();
  co_await end_link(tx, *link, member, std::move(actor), now,
                    fmt::format("{} points and {} minutes stay", link->moved_points, minutes));
  co_return Result<void>{};
}

TxTask<std::optional<Identity>> linked_account(store::Tx& tx, DiscordUserId member, std::string platform) {
  const auto known = co_await find_identity(tx, kDiscord, member.str());
  if (!known) co_return std::nullopt;
  co_return co_await linked_to(tx, known->person_id, std::move(platform));
}

TxTask<std::optional<Identity>> linked_member(store::Tx& tx, Identity account) {
  if (account.person_id == account.home_person_id) co_return std::nullopt;
  for (Identity& held : co_await identities_of(tx, account.person_id)) {
    if (held.platform == kDiscord) co_return std::move(held);
  }
  co_return std::nullopt;
}

TxTask<std::optional<TimePoint>> undone_to_others(store::Tx& tx, DiscordUserId member, Identity account,
                                                  std::string actor) {
  const auto known = co_await find_identity(tx, kDiscord, member.str());
  if (!known) co_return std::nullopt;
  const auto row = co_await tx.one(
      kUndoneToOthers, {account.platform, known->person_id, account.home_person_id, std::move(actor)});
  co_return row ? std::optional(row->undone_at) : std::nullopt;
}

TxTask<std::vector<KnownLink>> link_known(store::Tx& tx, const std::vector<MoveHandler>& handlers,
                                          std::string platform, std::vector<KnownLink> links,
                                          tenancy::Actor actor, TimePoint now) {
  std::vector<std::string> ids;
  for (const KnownLink& link : links) ids.push_back(link.member.str());
  const auto members = co_await identities_of_ids(tx, kDiscord, std::move(ids), now);
  // Who is new and links a new viewer has nothing to move: the viewer is made as this member's.
  std::set<PersonId> taken;
  std::vector<NameOf> names;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const PersonId member = members[i].identity.person_id;
    const bool is_first = members[i].made && taken.insert(member).second;
    names.push_back({links[i].name, is_first ? std::optional(member) : std::nullopt});
  }
  const auto viewers = co_await identities_for(tx, platform, names, now);
  std::set<PersonId> linked;
  std::vector<InsertParams> rows;
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Identity& viewer = viewers[i].identity;
    const bool is_made_so = viewers[i].made && viewer.person_id == names[i].person;
    if (is_made_so && linked.insert(viewer.home_person_id).second) {
      rows.push_back({0, platform, viewer.home_person_id, viewer.person_id, 0, Duration(0), Duration(0), now,
                      actor.name});
    } else {
      others.push_back(i);
    }
  }
  if (!rows.empty()) {
    auto number = co_await tenancy::next_numbers(tx, "link", static_cast<std::int64_t>(rows.size()));
    for (InsertParams& row : rows) row.link_id = number++;
    co_await tx.batch(kInsert, rows);
  }
  for (const std::size_t i : others) {
    if (viewers[i].identity.person_id == members[i].identity.person_id) continue;  // they are linked
    const auto made =
        co_await link_member(tx, handlers, {links[i].member, platform, links[i].name}, actor, now);
    if (!made) links[i].refused = made.error().message;
  }
  co_return links;
}

TxTask<void> note_brought(store::Tx& tx, std::vector<Brought> brought) {
  std::vector<BroughtParams> rows;
  for (const Brought& one : brought) rows.push_back({one.viewer, one.points, one.watched});
  co_await tx.batch(kBrought, rows);
}

void declare_links(store::StatementRegistry& statements) {
  statements.add("links", kInsert, kOpen, kUndone, kMinutes, kAddMinutes, kTakeMinutes, kBrought,
                 kUndoneToOthers);
}

}  // namespace guildhall::bot
