// Settings: server's row -> operator's default -> configuration of the process -> built in. An empty
// text means "not set" and falls through. They are read when they are used, never when something is
// built, so that a change takes effect at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"
#include "store/tx.h"
#include "tenancy/audit.h"

namespace guildhall::bot {

/// Declared once by the feature that reads them, as constants.
struct IntegerSetting {
  std::string_view key;
  std::int64_t builtin = 0;
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool has_default = true;  // may the operator set a default for all servers?
};
struct BooleanSetting {
  std::string_view key;
  bool builtin = false;
  bool has_default = true;
};
struct TextSetting {
  std::string_view key;
  std::string_view builtin = {};
  bool has_default = true;
  /// Returns the text in its stored form, or why it cannot be meant. None: any text.
  Result<std::string> (*normalise)(std::string_view text) = nullptr;
  /// The only texts allowed, separated by commas; empty: whatever `normalise` accepts.
  std::string_view choices = {};
  /// The key of the process's configuration that stands behind the operator's default, or none.
  std::string Config::* process = nullptr;
  /// It only shows what the program itself has come to: how to change that. None: people set it.
  std::string_view comes_from = {};
  std::size_t longest = 500;
};

struct SettingSpec {
  enum class Type { integer, boolean, text };
  std::string key;
  std::string owner;
  Type type = Type::text;
  std::string builtin;
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool has_default = true;
  Result<std::string> (*normalise)(std::string_view text) = nullptr;
  std::vector<std::string> choices = {};
  std::string Config::* process = nullptr;
  std::string comes_from = {};
  std::size_t longest = 0;
};

/// Every setting of the program. Filled at start, then only read.
class SettingRegistry {
 public:
  void add(std::string_view owner, const IntegerSetting& setting);
  void add(std::string_view owner, const BooleanSetting& setting);
  void add(std::string_view owner, const TextSetting& setting);

  /// What an old bot that is taken over called it; `fallback`: where it had nothing under its later name.
  void call(std::string old_key, std::string_view key, bool fallback = false);

  const std::map<std::string, SettingSpec, std::less<>>& all() const { return specs_; }
  /// The setting that an old bot called so, which most often is the key itself.
  const std::string& key_of_old(const std::string& old_key) const;
  bool is_fallback(std::string_view old_key) const { return fallbacks_.contains(old_key); }
  /// Error `not_found` with the key that may have been meant.
  Result<const SettingSpec*> find(std::string_view key) const;
  /// The value in its stored form. Error `invalid` says what is allowed.
  static Result<std::string> check(const SettingSpec& spec, std::string_view value);

 private:
  void insert(SettingSpec spec);
  std::map<std::string, SettingSpec, std::less<>> specs_;
  std::map<std::string, std::string> old_keys_;
  std::set<std::string, std::less<>> fallbacks_;
};

struct SettingRow {
  std::string key;
  std::string value;
};
BOOST_DESCRIBE_STRUCT(SettingRow, (), (key, value))

/// The settings of one server at one moment. Immutable, shared between loops and threads.
class Settings {
 public:
  struct Effective {
    std::string value;
    std::string source;    // server, default, process, builtin
    std::string fallback;  // what holds without the server's own value
  };

  Settings(const SettingRegistry& registry, const Config& config, const std::vector<SettingRow>& server_rows,
           const std::vector<SettingRow>& default_rows);

  std::int64_t get(const IntegerSetting& setting) const;
  bool get(const BooleanSetting& setting) const;
  std::string get(const TextSetting& setting) const;
  /// Is the feature switched on? One without a switch (FEATURE_enabled) always is.
  bool is_on(std::string_view feature) const;
  const std::map<std::string, Effective, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, Effective, std::less<>> values_;
};

using SettingsPtr = std::shared_ptr<const Settings>;

/// What everybody may read: how a server is spoken to.
inline constexpr TextSetting kLanguage{"language", "en", true, nullptr, "en,de", &Config::language};
Result<std::string> normalise_time_zone(std::string_view text);
inline constexpr TextSetting kTimeZone{"time_zone", "UTC", true, normalise_time_zone, "", &Config::time_zone};
Result<std::string> normalise_prefix(std::string_view text);
inline constexpr TextSetting kCommandPrefix{"command_prefix", "!", true,
                                            normalise_prefix, "",  &Config::command_prefix};
/// The Kick channel that the server listens to, by its slug; or, after an import, the one that it listened to
/// before, whose owner has not consented yet.
Result<std::string> normalise_channel_slug(std::string_view text);
inline constexpr TextSetting kKickChannel{
    "kick_channel",
    "",
    false,
    normalise_channel_slug,
    "",
    nullptr,
    "A channel is listened to by its owner's consent: he presses \"Connect Kick\" on the server's page."};

/// Reads one server's settings.
store::TxTask<SettingsPtr> load_settings(store::Tx& tx, const SettingRegistry& registry,
                                         const Config& config);

struct SettingChange {
  std::string key;
  std::optional<std::string> before;  // the server's own value
  std::optional<std::string> after;
  bool outbox = false;  // a feature that follows it put something into the outbox
};

/// What somebody wants to change. No value: back to the default.
struct SettingWish {
  std::string key;
  std::optional<std::string> value;
  /// The server's own value that the wish was made against; nothing: whatever it is.
  std::optional<std::optional<std::string>> expected = {};
  /// Not somebody's wish, but what the program has come to: settings that only show it are changed by nothing
  /// else.
  bool of_program = false;
};

/// Changes a setting of the server, with its audit row, and tells a bot that runs beside us. Errors:
/// `not_found` (with a suggestion), `invalid`, `forbidden` (it only shows something), `conflict` (somebody
/// else changed it meanwhile).
store::TxTask<Result<SettingChange>> change_setting(store::Tx& tx, const SettingRegistry& registry,
                                                    SettingWish wish, tenancy::Actor actor, TimePoint now);

/// The operator's defaults for all servers.
store::TxTask<std::vector<SettingRow>> load_defaults(store::GlobalTx& tx);
store::TxTask<Result<SettingChange>> change_default(store::GlobalTx& tx, const SettingRegistry& registry,
                                                    std::string key, std::optional<std::string> value,
                                                    tenancy::Actor actor, TimePoint now);

/// A row of the defaults as it stands, or none: unchecked, unlogged, and nobody is told. Under a key that no
/// setting has, every server reads it and none uses it.
store::TxTask<void> put_default_row(store::GlobalTx& tx, std::string key, std::optional<std::string> value,
                                    TimePoint now);

/// The operator changes a default and takes it back.
store::TxTask<void> rehearse_defaults(store::GlobalTx& tx, const SettingRegistry& registry, TimePoint now);

void declare_settings(store::StatementRegistry& statements, SettingRegistry& settings);

}  // namespace guildhall::bot
