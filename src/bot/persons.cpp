#include "bot/persons.h"

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
  std::string name;
  std::string folded;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(NewIdentityParams, (), (platform, id, person, name, folded, now))

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

constexpr Statement<NameParams, Identity> kFindByName{
    "persons.find_identity_by_name",
    "SELECT platform, platform_user_id, person_id, home_person_id, name FROM identities "
    "WHERE discord_server_id = :server AND platform = :platform AND folded_name = :folded "
    "ORDER BY first_seen_at DESC, platform_user_id LIMIT 1"};

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
    "folded_name, first_seen_at) VALUES (:server, :platform, :id, :person, :person, :name, :folded, :now)"};

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

TxTask<Identity> make_identity(store::Tx& tx, PlatformUser user, TimePoint now) {
  const PersonId person(co_await tenancy::next_number(tx, "person"));
  co_await tx.change(kNewPerson, {person, user.name, now});
  co_await tx.change(kNewIdentity, {user.platform, user.id, person, user.name, fold_name(user.name), now});
  co_return Identity{user.platform, user.id, person, person, user.name};
}

/// The identity's number or name is new: `old_id` is what it was known under.
TxTask<void> rename(store::Tx& tx, Identity identity, PlatformUser user) {
  co_await tx.change(kRename,
                     {user.platform, identity.platform_user_id, user.id, user.name, fold_name(user.name)});
  co_await tx.change(kRenamePerson, {identity.home_person_id, user.name});
}

}  // namespace

TxTask<PersonId> person_of(store::Tx& tx, PlatformUser user, TimePoint now) {
  user.name = shorten(clean_utf8(user.name), kLongestName);
  auto identity = co_await tx.one(kFind, {user.platform, user.id});
  if (!identity)
    identity = co_await tx.one(kFind, {user.platform, std::string(kProvisional) + fold_name(user.name)});
  if (!identity) {
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

TxTask<std::vector<Identity>> identities_of(store::Tx& tx, PersonId person) {
  co_return co_await tx.all(kOfPerson, {person});
}

TxTask<void> repoint(store::Tx& tx, Identity identity, PersonId person) {
  co_await tx.change(kRepoint, {identity.platform, identity.platform_user_id, person});
}

void declare_persons(store::StatementRegistry& statements) {
  statements.add("persons", kFind, kFindByName, kOfPerson, kNewPerson, kNewIdentity, kRename, kRenamePerson,
                 kRepoint);
}

}  // namespace guildhall::bot
