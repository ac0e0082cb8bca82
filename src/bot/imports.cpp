#include "bot/imports.h"

#include <fmt/format.h>

#include "base/text.h"
#include "bot/feature.h"
#include "bot/import_trace.h"
#include "bot/ledger.h"
#include "bot/links.h"

namespace guildhall::bot {
namespace {

using store::NoRow;
using store::Statement;
using store::TxTask;

struct BetweenParams {
  std::string source;
  std::string item;
  std::string first;
  std::string last;
};
BOOST_DESCRIBE_STRUCT(BetweenParams, (), (source, item, first, last))

struct BehindParams {
  std::string source;
  std::string item;
  std::string key;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(BehindParams, (), (source, item, key, limit))

struct ItemParams {
  std::string source;
  std::string item;
};
BOOST_DESCRIBE_STRUCT(ItemParams, (), (source, item))

struct CarriedParams {
  std::string source;
  std::string item;
  std::string old_key;
  std::int64_t credited;
  std::int64_t debited;
  std::string value;
  std::int64_t times;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(CarriedParams, (), (source, item, old_key, credited, debited, value, times, now))

constexpr Statement<BetweenParams, Carried> kBetween{
    "imports.carried_between",
    "SELECT old_key, credited, debited, value, times FROM import_carried WHERE discord_server_id = :server "
    "AND source = :source AND item = :item AND old_key >= :first AND old_key <= :last ORDER BY old_key"};

constexpr Statement<BehindParams, Carried> kBehind{
    "imports.carried_behind",
    "SELECT old_key, credited, debited, value, times FROM import_carried WHERE discord_server_id = :server "
    "AND source = :source AND item = :item AND old_key > :key ORDER BY old_key LIMIT :limit"};

/// CROSS: SQLite keeps to this order, in which every step is a search.
constexpr Statement<ItemParams, Carried> kCarriedOf{
    "imports.carried_of",
    "SELECT c.old_key, c.credited, c.debited, c.value, c.times FROM identity_lookups l CROSS JOIN "
    "import_carried c WHERE l.discord_server_id = :server AND c.discord_server_id = :server "
    "AND c.source = :source AND c.item = :item AND c.old_key = l.wanted ORDER BY c.old_key"};

constexpr Statement<CarriedParams, NoRow> kSetCarried{
    "imports.set_carried",
    "INSERT INTO import_carried (discord_server_id, source, item, old_key, credited, debited, value, times, "
    "carried_at) VALUES (:server, :source, :item, :old_key, :credited, :debited, :value, :times, :now) "
    "ON CONFLICT (discord_server_id, source, item, old_key) DO UPDATE SET credited = excluded.credited, "
    "debited = excluded.debited, value = excluded.value, times = excluded.times, "
    "carried_at = excluded.carried_at"};

constexpr Statement<ItemParams, CarriedTotals> kTotals{
    "imports.carried_totals",
    "SELECT count(*) AS keys, CAST(COALESCE(sum(credited), 0) AS BIGINT) AS credited, "
    "CAST(COALESCE(sum(debited), 0) AS BIGINT) AS debited FROM import_carried "
    "WHERE discord_server_id = :server AND source = :source AND item = :item"};

struct StandingsParams {
  PersonId last;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(StandingsParams, (), (last, limit))

struct ViewersParams {
  std::string platform;
  std::string last;
  std::int64_t limit;
};
BOOST_DESCRIBE_STRUCT(ViewersParams, (), (platform, last, limit))

constexpr Statement<StandingsParams, Standing> kStandings{
    "imports.standings",
    "SELECT p.person_id, COALESCE(w.watched_us, 0) AS watched_us, COALESCE(b.balance, 0) AS points "
    "FROM persons p "
    "LEFT JOIN watchtime w ON w.discord_server_id = :server AND w.person_id = p.person_id "
    "LEFT JOIN balances b ON b.discord_server_id = :server AND b.unit = 'points' AND b.holder_id = "
    "p.person_id "
    "WHERE p.discord_server_id = :server AND p.person_id > :last ORDER BY p.person_id LIMIT :limit"};

constexpr Statement<ViewersParams, Viewer> kViewers{
    "imports.viewers",
    "SELECT platform_user_id, name, folded_name, person_id, first_seen_at FROM identities "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id > :last "
    "ORDER BY platform_user_id LIMIT :limit"};

// --- links

Reckoned reckon_link(const OldRow& row) {
  Reckoned reckoned;
  if (!parse_member(row.key)) {
    reckoned.refused = "this is no Discord user's id";
  } else if (fold_name(kept_name(row.text)).empty()) {
    reckoned.refused = "the link names no viewer";
  } else {
    reckoned.text = row.text;
  }
  return reckoned;
}

/// The old bot's link is another one now, or gone.
TxTask<std::string> undo_link(store::Tx& tx, const Declarations& declarations, const ImportCall& call,
                              const ImportEntry& entry) {
  const auto member = *parse_member(entry.key);
  const auto viewer = co_await find_identity_by_name(tx, kKick, kept_name(entry.before));
  const auto known = co_await find_identity(tx, kDiscord, member.str());
  const bool stands = viewer && known && viewer->person_id == known->person_id;
  if (!stands) co_return "";  // undone here already
  const auto undone = co_await unlink_member(tx, declarations.on_move, member, kKick, call.actor, call.now);
  co_return undone ? "" : undone.error().message;
}

TxTask<std::vector<ImportEntry>> book_links(store::Tx& tx, const Declarations& declarations,
                                            const ImportCall& call, std::vector<ImportEntry> entries) {
  std::vector<KnownLink> links;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ImportEntry& entry = entries[i];
    if (!entry.before.empty()) entry.refused = co_await undo_link(tx, declarations, call, entry);
    if (!entry.refused.empty() || entry.text.empty()) continue;
    links.push_back({*parse_member(entry.key), kept_name(entry.text)});
    places.push_back(i);
  }
  links = co_await link_known(tx, declarations.on_move, kKick, std::move(links), call.actor, call.now);
  for (std::size_t i = 0; i < links.size(); ++i) entries[places[i]].refused = links[i].refused;
  co_return entries;
}

// --- settings

/// A feature's switch in the old bot is a row of its name; here it is a setting.
std::string setting_of(const Declarations& declarations, const std::string& key, bool is_switch) {
  return declarations.settings.key_of_old(is_switch ? key + "_enabled" : key);
}

Reckoned reckon_setting(const Declarations& declarations, const OldRow& row, bool is_switch) {
  Reckoned reckoned{.text = row.text};
  if (!declarations.settings.all().contains(setting_of(declarations, row.key, is_switch)))
    reckoned.waits = true;
  return reckoned;
}

/// By somebody here, or under its later name: not by what this name brought before.
TxTask<bool> is_set_otherwise(store::Tx& tx, const Declarations& declarations, const std::string& key,
                              std::string brought) {
  const auto settings = co_await load_settings(tx, declarations.settings, *declarations.config);
  const auto found = settings->all().find(key);
  if (found == settings->all().end() || found->second.source != "server") co_return false;
  const auto stored = SettingRegistry::check(declarations.settings.all().at(key), brought);
  co_return !stored || *stored != found->second.value;
}

TxTask<std::vector<ImportEntry>> book_settings(store::Tx& tx, const Declarations& declarations,
                                               const ImportCall& call, std::vector<ImportEntry> entries,
                                               bool is_switch) {
  for (ImportEntry& entry : entries) {
    if (entry.text.empty()) continue;  // not set, or not any more: what holds here stays
    const std::string key = setting_of(declarations, entry.key, is_switch);
    const bool is_fallback = declarations.settings.is_fallback(entry.key);
    if (is_fallback && co_await is_set_otherwise(tx, declarations, key, entry.before)) continue;
    SettingWish wish{key, entry.text};
    // What the old bot listened to shows whose consent is missing; a channel that has consented stays.
    wish.of_program = true;
    const auto changed =
        co_await change_server_setting(tx, declarations, call.server, wish, call.actor, call.now);
    if (!changed) entry.refused = changed.error().message;
  }
  co_return entries;
}

Importer settings_importer(const Declarations& declarations, std::string item, OldSource from,
                           bool is_switch) {
  Importer importer;
  importer.source = "kick";
  importer.title = "settings (" + from.table + ")";
  importer.item = std::move(item);
  importer.from = {std::move(from)};
  importer.by_name = false;
  importer.acts = true;
  importer.reckon = [&declarations, is_switch](const OldRow& row) {
    return reckon_setting(declarations, row, is_switch);
  };
  importer.book = [&declarations, is_switch](store::Tx& tx, const ImportCall& call,
                                             std::vector<ImportEntry> entries) {
    return book_settings(tx, declarations, call, std::move(entries), is_switch);
  };
  return importer;
}

/// What an import does to a server, in short; undone with the transaction that it is shown in.
TxTask<void> rehearse(store::Tx& tx, const Declarations& declarations, ServerContext& context) {
  const ImportCall call{"kick", context.server, context.now, {"operator", "command_line"}};
  const DiscordUserId member(9'100'000'000'000'000'401);
  // Once as people who are not known, and once as those who are.
  for (int times = 0; times < 2; ++times) {
    co_await identities_of_ids(tx, kDiscord, {member.str()}, call.now);
    co_await identities_of_names(tx, kKick, {"isolationimport1", "isolationimport2"}, call.now);
  }
  co_await link_known(tx, declarations.on_move, kKick,
                      {{DiscordUserId(member.value() + 1), "isolationimport3"}}, call.actor, call.now);
  const auto linked = co_await find_identity_by_name(tx, kKick, "isolationimport3");
  co_await note_brought(tx, {{linked->home_person_id, 5, Duration(60)}});
  co_await book_openings(tx, kPoints, "import", call.actor.name,
                         {{linked->person_id, 7, 2, "import:rehearsal:1", ""},
                          {linked->home_person_id, 3, 0, "import:rehearsal:2", ""}},
                         call.now);
  co_await booked_in_all(tx, kPoints, "import");
  co_await set_carried(tx, "kick", "isolation",
                       {{"isolationold1", 1, 0, "", 1}, {"isolationold2", 2, 1, "", 1}}, call.now);
  co_await carried_between(tx, "kick", "isolation", "isolationold1", "isolationold2");
  co_await carried_behind(tx, "kick", "isolation", "isolationold", 100);
  co_await carried_of(tx, "kick", "isolation", {"isolationold1"});
  co_await carried_totals(tx, "kick", "isolation");
  co_await old_names_behind(tx, "kick", "isolation", "", 100);
  co_await booked_points_behind(tx, "kick", "", 100);
  co_await linked_viewers(tx, kKick, "", 100);
  co_await standings(tx, PersonId(0), 100);
  co_await viewers(tx, kKick, "", 100);
}

}  // namespace

TxTask<std::vector<Carried>> carried_between(store::Tx& tx, std::string source, std::string item,
                                             std::string first, std::string last) {
  co_return co_await tx.all(kBetween,
                            {std::move(source), std::move(item), std::move(first), std::move(last)});
}

TxTask<std::vector<Carried>> carried_behind(store::Tx& tx, std::string source, std::string item,
                                            std::string last, std::int64_t limit) {
  co_return co_await tx.all(kBehind, {std::move(source), std::move(item), std::move(last), limit});
}

TxTask<std::vector<Carried>> carried_of(store::Tx& tx, std::string source, std::string item,
                                        std::vector<std::string> keys) {
  co_await ask_for(tx, std::move(keys));
  auto carried = co_await tx.all(kCarriedOf, {std::move(source), std::move(item)});
  co_await asked(tx);
  co_return carried;
}

TxTask<void> set_carried(store::Tx& tx, std::string source, std::string item, std::vector<Carried> carried,
                         TimePoint now) {
  std::vector<CarriedParams> rows;
  for (const Carried& one : carried)
    rows.push_back({source, item, one.old_key, one.credited, one.debited, one.value, one.times, now});
  co_await tx.batch(kSetCarried, rows);
}

TxTask<CarriedTotals> carried_totals(store::Tx& tx, std::string source, std::string item) {
  co_return *co_await tx.one(kTotals, {std::move(source), std::move(item)});
}

TxTask<std::vector<Standing>> standings(store::Tx& tx, PersonId last, std::int64_t limit) {
  co_return co_await tx.all(kStandings, {last, limit});
}

TxTask<std::vector<Viewer>> viewers(store::Tx& tx, std::string platform, std::string last,
                                    std::int64_t limit) {
  co_return co_await tx.all(kViewers, {std::move(platform), std::move(last), limit});
}

std::optional<DiscordUserId> parse_member(const std::string& text) {
  const auto member = DiscordUserId::parse(text);
  return member && member->value() > 0 ? member : std::nullopt;
}

void declare_importers(Declarations& declarations) {
  declarations.tables.add({"import_carried", tenancy::TableClass::tenant, "bot"});
  declarations.tables.add(
      {"identity_lookups", tenancy::TableClass::tenant, "bot", false, false, false, true});
  declarations.statements.add("imports", kBetween, kBehind, kCarriedOf, kSetCarried, kTotals, kStandings,
                              kViewers);

  declare_import_trace(declarations.statements);

  Importer links;
  links.source = "kick";
  links.item = "links";
  links.title = "links";
  links.from = {{.table = "links",
                 .key = "discord_id",
                 .text = "kick_name",
                 .only_column = "platform",
                 .only_value = "kick"}};
  links.by_name = false;
  links.named_in = "kick_name";
  links.reckon = reckon_link;
  links.book = [&declarations](store::Tx& tx, const ImportCall& call, std::vector<ImportEntry> entries) {
    return book_links(tx, declarations, call, std::move(entries));
  };
  declarations.importers.push_back(std::move(links));
  declarations.importers.push_back(settings_importer(
      declarations, "settings", {.table = "bot_settings", .key = "key", .text = "value"}, false));
  declarations.importers.push_back(settings_importer(
      declarations, "point_settings", {.table = "point_settings", .key = "key", .text = "value"}, false));
  declarations.importers.push_back(
      settings_importer(declarations, "switches",
                        {.table = "feature_settings", .key = "feature_name", .text = "enabled"}, true));
  declarations.rehearsals.server.push_back(
      [&declarations](store::Tx& tx, ServerContext& context) { return rehearse(tx, declarations, context); });
}

}  // namespace guildhall::bot
