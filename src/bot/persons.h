// Who is who in one server. A person holds minutes and points; identities (a Discord member, a Kick
// viewer) point to a person. An unlinked viewer is a person of his own. Two servers share nothing:
// the same viewer is another person in each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/tx.h"

namespace guildhall::bot {

inline constexpr const char* kDiscord = "discord";
inline constexpr const char* kKick = "kick";

/// A user as a platform tells of him. `id` is the platform's number and never changes; the name may.
struct PlatformUser {
  std::string platform;
  std::string id;
  std::string name;
};

struct Identity {
  std::string platform;
  std::string platform_user_id;
  PersonId person_id;
  PersonId home_person_id;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Identity, (), (platform, platform_user_id, person_id, home_person_id, name))

/// The person behind a user, made at first sight. Takes over a new name; a provisional identity of
/// that name (one that was only heard of) becomes this user's. Without a name: whoever is known keeps the own
/// one, and who is not is called by the number.
store::TxTask<PersonId> person_of(store::Tx& tx, PlatformUser user, TimePoint now);

/// An identity that is known so far by its name only.
store::TxTask<Identity> provisional_identity(store::Tx& tx, std::string platform, std::string name,
                                             TimePoint now);

store::TxTask<std::optional<Identity>> find_identity(store::Tx& tx, std::string platform, std::string id);
/// Compares folded names. The newest, if a platform let two users have one name in turn.
store::TxTask<std::optional<Identity>> find_identity_by_name(store::Tx& tx, std::string platform,
                                                             std::string name);
store::TxTask<std::vector<Identity>> identities_of(store::Tx& tx, PersonId person);
/// Names of a platform's users that begin so, folded, in the order of their folded names; each once. Of the
/// first 25, as many as Discord offers to somebody who is typing one.
store::TxTask<std::vector<std::string>> names_beginning(store::Tx& tx, std::string platform,
                                                        std::string beginning);

struct FoundIdentity {
  Identity identity;
  bool made = false;  // by this call
};

/// The identities of many names at once, made (provisional) where no user of that name is known; one for each
/// name, in their order. Names that fold to the same have the same. No name folds to nothing.
store::TxTask<std::vector<FoundIdentity>> identities_of_names(store::Tx& tx, std::string platform,
                                                              std::vector<std::string> names, TimePoint now);
/// A name, and whose person an identity that is made for it points to at once, where it is not its own.
struct NameOf {
  std::string name;
  std::optional<PersonId> person = {};
};
/// The same; of names that fold to the same the first counts.
store::TxTask<std::vector<FoundIdentity>> identities_for(store::Tx& tx, std::string platform,
                                                         std::vector<NameOf> names, TimePoint now);
/// The same of users by their numbers; who is not known yet is called by his number.
store::TxTask<std::vector<FoundIdentity>> identities_of_ids(store::Tx& tx, std::string platform,
                                                            std::vector<std::string> ids, TimePoint now);

/// A name as it is kept here, and the key by which it is found: `person_of` takes a name that it hears over
/// in the same way.
std::string kept_name(std::string_view name);

/// Puts names or numbers, each once, into the table `identity_lookups`, where a statement of the same
/// transaction finds all of them at once; `asked` empties it again.
store::TxTask<void> ask_for(store::Tx& tx, std::vector<std::string> wanted);
store::TxTask<void> asked(store::Tx& tx);

/// Points an identity to another person.
store::TxTask<void> repoint(store::Tx& tx, Identity identity, PersonId person);

void declare_persons(store::StatementRegistry& statements);

}  // namespace guildhall::bot
