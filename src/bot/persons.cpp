#include "bot/persons.h"

#include <map>

#include "base/text.h"
#include "tenancy/counters.h"

namespace guildhall::bot {
namespace {

using store::NoRow;
using store::Statement;
using store::TxTask;

constexpr std::size_t kLongestName = 50;
constexpr std::string_view kProvisional = "name:";

struct IdentityParams {
  std::string platform;
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdentityParams, (), (platform, id))

struct NameParams {
  std::string platform;
  std::string folded;
};
BOOST_DESCRIBE_STRUCT(NameParams, (), (platform, folded))

struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))

struct NewPersonParams {
  PersonId person;
  std::string name;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(NewPersonParams, (), (person, name, now))

struct NewIdentityParams {
  std::string platform;
  std::string id;
  PersonId person;
  PersonId home;
  std::string name;
  std::string folded;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(NewIdentityParams, (), (platform, id, person, home, name, folded, now))

struct RenameParams {
  std::string platform;
  std::string old_id;
  std::string id;
  std::string name;
  std::string folded;
};
BOOST_DESCRIBE_STRUCT(RenameParams, (), (platform, old_id, id, name, folded))

struct PersonNameParams {
  PersonId person;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(PersonNameParams, (), (person, name))

struct RepointParams {
  std::string platform;
  std::string id;
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(RepointParams, (), (platform, id, person))

constexpr Statement<IdentityParams, Identity> kFind{
    "persons.find_identity",
    "SELECT platform, platform_user_id, person_id, home_person_id, name FROM identities "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id = :id"};

/// By the index of names, and from there by the key: SQLite takes the key alone for the better way where a
/// column is asked for that the index has not, and would read every identity of the platform.
constexpr Statement<NameParams, Identity> kFindByName{
    "persons.find_identity_by_name",
    "SELECT i.platform, i.platform_user_id, i.person_id, i.home_person_id, i.name FROM identities n "
    "CROSS JOIN identities i WHERE n.discord_server_id = :server AND n.platform = :platform "
    "AND n.folded_name = :folded AND i.discord_server_id = :server AND i.platform = :platform "
    "AND i.platform_user_id = n.platform_user_id ORDER BY i.first_seen_at DESC, i.platform_user_id LIMIT 1"};

struct BeginningParams {
  std::string platform;
  std::string from;
  std::string to;
};
BOOST_DESCRIBE_STRUCT(BeginningParams, (), (platform, from, to))
struct NameRow {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (name))

/// By the index of names, as above. The first are taken off it before anything else is asked of them:
/// PostgreSQL would join and sort all that begin so, and everybody's name begins with nothing.
constexpr Statement<BeginningParams, NameRow> kNamesBeginning{
    "persons.names_beginning",
    "SELECT i.name FROM (SELECT o.folded_name, o.platform_user_id FROM identities o "
    "WHERE o.discord_server_id = :server AND o.platform = :platform AND o.folded_name >= :from "
    "AND o.folded_name < :to ORDER BY o.folded_name LIMIT 25) n CROSS JOIN identities i "
    "WHERE i.discord_server_id = :server AND i.platform = :platform "
    "AND i.platform_user_id = n.platform_user_id ORDER BY n.folded_name, i.first_seen_at DESC"};

constexpr Statement<PersonParams, Identity> kOfPerson{
    "persons.identities_of",
    "SELECT platform, platform_user_id, person_id, home_person_id, name FROM identities "
    "WHERE discord_server_id = :server AND person_id = :person ORDER BY platform, platform_user_id"};

constexpr Statement<NewPersonParams, NoRow> kNewPerson{
    "persons.new_person",
    "INSERT INTO persons (discord_server_id, person_id, display_name, created_at) "
    "VALUES (:server, :person, :name, :now)"};

constexpr Statement<NewIdentityParams, NoRow> kNewIdentity{
    "persons.new_identity",
    "INSERT INTO identities (discord_server_id, platform, platform_user_id, person_id, home_person_id, name, "
    "folded_name, first_seen_at) VALUES (:server, :platform, :id, :person, :home, :name, :folded, :now)"};

constexpr Statement<RenameParams, NoRow> kRename{
    "persons.rename_identity",
    "UPDATE identities SET platform_user_id = :id, name = :name, folded_name = :folded "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id = :old_id"};

constexpr Statement<PersonNameParams, NoRow> kRenamePerson{
    "persons.rename_person",
    "UPDATE persons SET display_name = :name WHERE discord_server_id = :server AND person_id = :person"};

constexpr Statement<RepointParams, NoRow> kRepoint{
    "persons.repoint",
    "UPDATE identities SET person_id = :person "
    "WHERE discord_server_id = :server AND platform = :platform AND platform_user_id = :id"};

struct WantedParams {
  std::string wanted;
};
BOOST_DESCRIBE_STRUCT(WantedParams, (), (wanted))

struct PlatformParams {
  std::string platform;
};
BOOST_DESCRIBE_STRUCT(PlatformParams, (), (platform))

struct WantedRow {
  std::string wanted;
  std::string platform_user_id;
  PersonId person_id;
  PersonId home_person_id;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(WantedRow, (), (wanted, platform_user_id, person_id, home_person_id, name))

constexpr Statement<WantedParams, NoRow> kAskFor{
    "persons.ask_for", "INSERT INTO identity_lookups (discord_server_id, wanted) VALUES (:server, :wanted)"};

/// Oldest first, so that of several with one name the newest is kept. CROSS: SQLite keeps to this order, in
/// which every step is a search.
constexpr Statement<PlatformParams, WantedRow> kWantedNames{
    "persons.wanted_names",
    "SELECT l.wanted, i.platform_user_id, i.person_id, i.home_person_id, i.name FROM identity_lookups l "
    "CROSS JOIN identities n CROSS JOIN identities i WHERE l.discord_server_id = :server "
    "AND n.discord_server_id = :server AND n.platform = :platform AND n.folded_name = l.wanted "
    "AND i.discord_server_id = :server AND i.platform = :platform "
    "AND i.platform_user_id = n.platform_user_id ORDER BY i.first_seen_at, i.platform_user_id DESC"};

constexpr Statement<PlatformParams, WantedRow> kWantedIds{
    "persons.wanted_ids",
    "SELECT l.wanted, i.platform_user_id, i.person_id, i.home_person_id, i.name FROM identity_lookups l "
    "CROSS JOIN identities i WHERE l.discord_server_id = :server AND i.discord_server_id = :server "
    "AND i.platform = :platform AND i.platform_user_id = l.wanted"};

constexpr Statement<store::NoParams, NoRow> kAsked{
    "persons.asked", "DELETE FROM identity_lookups WHERE discord_server_id = :server"};

TxTask<Identity> make_identity(store::Tx& tx, PlatformUser user, TimePoint now) {
  const PersonId person(co_await tenancy::next_number(tx, "person"));
  co_await tx.change(kNewPerson, {person, user.name, now});
  co_await tx.change(kNewIdentity,
                     {user.platform, user.id, person, person, user.name, fold_name(user.name), now});
  co_return Identity{user.platform, user.id, person, person, user.name};
}

/// The identity's number or name is new: `old_id` is what it was known under.
TxTask<void> rename(store::Tx& tx, Identity identity, PlatformUser user) {
  co_await tx.change(kRename,
                     {user.platform, identity.platform_user_id, user.id, user.name, fold_name(user.name)});
  co_await tx.change(kRenamePerson, {identity.home_person_id, user.name});
}

/// The user that is made where there is none, and whose person it is where it is not its own.
struct ToMake {
  PlatformUser user;
  std::optional<PersonId> person = {};
};

/// What is wanted, by name or number.
using Wanted = std::map<std::string, ToMake>;

/// Makes those that are in no row of `found`.
TxTask<std::map<std::string, FoundIdentity>> make_missing(store::Tx& tx, Wanted wanted,
                                                          std::map<std::string, FoundIdentity> found,
                                                          TimePoint now) {
  std::erase_if(wanted, [&](const auto& one) { return found.contains(one.first); });
  if (wanted.empty()) co_return found;
  PersonId next(co_await tenancy::next_numbers(tx, "person", static_cast<std::int64_t>(wanted.size())));
  std::vector<NewPersonParams> persons;
  std::vector<NewIdentityParams> identities;
  for (const auto& [key, one] : wanted) {
    const PlatformUser& user = one.user;
    const PersonId person = one.person.value_or(next);
    persons.push_back({next, user.name, now});
    identities.push_back({user.platform, user.id, person, next, user.name, fold_name(user.name), now});
    found[key] = {{user.platform, user.id, person, next, user.name}, true};
    next = PersonId(next.value() + 1);
  }
  co_await tx.batch(kNewPerson, persons);
  co_await tx.batch(kNewIdentity, identities);
  co_return found;
}

TxTask<std::map<std::string, FoundIdentity>> find_wanted(store::Tx& tx, Wanted wanted, bool by_name,
                                                         TimePoint now) {
  std::map<std::string, FoundIdentity> found;
  if (wanted.empty()) co_return found;
  std::vector<std::string> keys;
  for (const auto& [key, one] : wanted) keys.push_back(key);
  co_await ask_for(tx, std::move(keys));
  const std::string platform = wanted.begin()->second.user.platform;
  const auto rows =
      by_name ? co_await tx.all(kWantedNames, {platform}) : co_await tx.all(kWantedIds, {platform});
  co_await asked(tx);
  for (const WantedRow& row : rows)
    found[row.wanted] = {{platform, row.platform_user_id, row.person_id, row.home_person_id, row.name}};
  co_return co_await make_missing(tx, std::move(wanted), std::move(found), now);
}

}  // namespace

std::string kept_name(std::string_view name) { return shorten(clean_utf8(name), kLongestName); }

TxTask<std::vector<FoundIdentity>> identities_of_names(store::Tx& tx, std::string platform,
                                                       std::vector<std::string> names, TimePoint now) {
  std::vector<NameOf> own;
  for (std::string& name : names) own.push_back({std::move(name)});
  co_return co_await identities_for(tx, std::move(platform), std::move(own), now);
}

TxTask<std::vector<FoundIdentity>> identities_for(store::Tx& tx, std::string platform,
                                                  std::vector<NameOf> names, TimePoint now) {
  Wanted wanted;
  for (NameOf& one : names) {
    const std::string kept = kept_name(one.name);
    one.name = fold_name(kept);
    wanted.try_emplace(
        one.name, ToMake{PlatformUser{platform, std::string(kProvisional) + one.name, kept}, one.person});
  }
  const auto found = co_await find_wanted(tx, std::move(wanted), true, now);
  std::vector<FoundIdentity> identities;
  for (const NameOf& one : names) identities.push_back(found.at(one.name));
  co_return identities;
}

TxTask<std::vector<FoundIdentity>> identities_of_ids(store::Tx& tx, std::string platform,
                                                     std::vector<std::string> ids, TimePoint now) {
  Wanted wanted;
  for (const std::string& id : ids) wanted.try_emplace(id, ToMake{PlatformUser{platform, id, id}});
  const auto found = co_await find_wanted(tx, std::move(wanted), false, now);
  std::vector<FoundIdentity> identities;
  for (const std::string& id : ids) identities.push_back(found.at(id));
  co_return identities;
}

TxTask<PersonId> person_of(store::Tx& tx, PlatformUser user, TimePoint now) {
  user.name = kept_name(user.name);
  auto identity = co_await tx.one(kFind, {user.platform, user.id});
  if (!identity && !user.name.empty())
    identity = co_await tx.one(kFind, {user.platform, std::string(kProvisional) + fold_name(user.name)});
  if (!identity) {
    if (user.name.empty()) user.name = user.id;
    const Identity made = co_await make_identity(tx, std::move(user), now);
    co_return made.person_id;
  }
  const bool changed =
      identity->platform_user_id != user.id || (!user.name.empty() && identity->name != user.name);
  if (changed) co_await rename(tx, *identity, std::move(user));
  co_return identity->person_id;
}

TxTask<Identity> provisional_identity(store::Tx& tx, std::string platform, std::string name, TimePoint now) {
  PlatformUser user{std::move(platform), std::string(kProvisional) + fold_name(name),
                    shorten(name, kLongestName)};
  co_return co_await make_identity(tx, std::move(user), now);
}

TxTask<std::optional<Identity>> find_identity(store::Tx& tx, std::string platform, std::string id) {
  co_return co_await tx.one(kFind, {std::move(platform), std::move(id)});
}

TxTask<std::optional<Identity>> find_identity_by_name(store::Tx& tx, std::string platform, std::string name) {
  co_return co_await tx.one(kFindByName, {std::move(platform), fold_name(name)});
}

TxTask<std::vector<std::string>> names_beginning(store::Tx& tx, std::string platform, std::string beginning) {
  constexpr std::string_view kLastCharacter = "\U0010FFFF";  // behind whatever a name goes on with
  std::string from = fold_name(beginning);
  std::string to = from + std::string(kLastCharacter);
  std::vector<std::string> names;
  for (NameRow& row :
       co_await tx.all(kNamesBeginning, {std::move(platform), std::move(from), std::move(to)})) {
    const bool again = !names.empty() && fold_name(names.back()) == fold_name(row.name);
    if (!again) names.push_back(std::move(row.name));
  }
  co_return names;
}

TxTask<std::vector<Identity>> identities_of(store::Tx& tx, PersonId person) {
  co_return co_await tx.all(kOfPerson, {person});
}

TxTask<void> ask_for(store::Tx& tx, std::vector<std::string> wanted) {
  std::vector<WantedParams> keys;
  for (std::string& key : wanted) keys.push_back({std::move(key)});
  co_await tx.batch(kAskFor, keys);
}

TxTask<void> asked(store::Tx& tx) { co_await tx.change(kAsked); }

TxTask<void> repoint(store::Tx& tx, Identity identity, PersonId person) {
  co_await tx.change(kRepoint, {identity.platform, identity.platform_user_id, person});
}

void declare_persons(store::StatementRegistry& statements) {
  statements.add("persons", kNamesBeginning, kFind, kFindByName, kOfPerson, kNewPerson, kNewIdentity, kRename,
                 kRenamePerson, kRepoint, kAskFor, kWantedNames, kWantedIds, kAsked);
}

}  // namespace guildhall::bot
