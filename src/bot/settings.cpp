#include "bot/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/mutation.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "tenancy/registry.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::NoParams;
using store::NoRow;
using store::Statement;
using store::TxTask;

struct KeyParams {
  std::string key;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (key))

struct SetParams {
  std::string key;
  std::string value;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(SetParams, (), (key, value, now))

struct ValueRow {
  std::string value;
};
BOOST_DESCRIBE_STRUCT(ValueRow, (), (value))

constexpr Statement<NoParams, SettingRow> kServerRows{
    "settings.server_rows", "SELECT key, value FROM settings WHERE discord_server_id = :server"};
constexpr Statement<NoParams, SettingRow> kDefaultRows{"settings.default_rows_for_server",
                                                       "SELECT key, value FROM setting_defaults"};
constexpr Statement<KeyParams, ValueRow> kRead{
    "settings.read", "SELECT value FROM settings WHERE discord_server_id = :server AND key = :key"};
constexpr Statement<SetParams, NoRow> kSet{
    "settings.set",
    "INSERT INTO settings (discord_server_id, key, value, updated_at) VALUES (:server, :key, :value, :now) "
    "ON CONFLICT (discord_server_id, key) DO UPDATE SET value = excluded.value, updated_at = "
    "excluded.updated_at"};
constexpr Statement<KeyParams, NoRow> kUnset{
    "settings.unset", "DELETE FROM settings WHERE discord_server_id = :server AND key = :key"};

constexpr GlobalStatement<NoParams, SettingRow> kAllDefaults{"settings.defaults",
                                                             "SELECT key, value FROM setting_defaults"};
constexpr GlobalStatement<KeyParams, ValueRow> kReadDefault{
    "settings.read_default", "SELECT value FROM setting_defaults WHERE key = :key"};
constexpr GlobalStatement<SetParams, NoRow> kSetDefault{
    "settings.set_default",
    "INSERT INTO setting_defaults (key, value, updated_at) VALUES (:key, :value, :now) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"};
constexpr GlobalStatement<KeyParams, NoRow> kUnsetDefault{"settings.unset_default",
                                                          "DELETE FROM setting_defaults WHERE key = :key"};
/// A new default concerns every server: their revisions tell the bot that runs beside us.
constexpr GlobalStatement<NoParams, NoRow> kBumpAll{"settings.bump_all_revisions",
                                                    "UPDATE servers SET revision = revision + 1"};

std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = to_lower_ascii(trim(text));
  if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

Result<std::string> check_integer(const SettingSpec& spec, std::string_view text) {
  const auto number = parse_amount(trim(text));
  if (!number || *number < spec.least || *number > spec.most) {
    return fail(ErrorCode::invalid,
                fmt::format("{}: must be a whole number from {} to {}", spec.key, spec.least, spec.most));
  }
  return fmt::format("{}", *number);
}

Result<std::string> check_text(const SettingSpec& spec, std::string_view text) {
  if (!is_clean_utf8(text)) return fail(ErrorCode::invalid, fmt::format("{}: must be valid text", spec.key));
  if (utf16_length(text) > spec.longest) {
    return fail(ErrorCode::invalid, fmt::format("{}: at most {} characters", spec.key, spec.longest));
  }
  if (!spec.choices.empty()) {
    std::string word = to_lower_ascii(trim(text));
    if (std::find(spec.choices.begin(), spec.choices.end(), word) != spec.choices.end()) return word;
    return fail(ErrorCode::invalid,
                fmt::format("{}: must be one of {}", spec.key, fmt::join(spec.choices, ", ")));
  }
  if (spec.normalise == nullptr) return std::string(trim(text));
  auto normal = spec.normalise(trim(text));
  if (!normal) return fail(ErrorCode::invalid, fmt::format("{}: {}", spec.key, normal.error().message));
  return normal;
}

/// Did the operator set this key of the process's configuration?
bool is_configured(const Config& config, std::string Config::* member) {
  for (const ConfigKey& key : config_keys()) {
    if (key.member != member || (config.*member).empty()) continue;
    const auto source = config.sources.find(key.name);
    return source != config.sources.end() && source->second != "default";
  }
  return false;
}

struct Checked {
  const SettingSpec* spec;
  std::optional<std::string> value;
};

/// An empty value is the same as none.
Result<Checked> check_change(const SettingRegistry& registry, const std::string& key,
                             const std::optional<std::string>& value) {
  const auto spec = registry.find(key);
  if (!spec) return std::unexpected(spec.error());
  if (!value || trim(*value).empty()) return Checked{*spec, std::nullopt};
  auto checked = SettingRegistry::check(**spec, *value);
  if (!checked) return std::unexpected(checked.error());
  return Checked{*spec, *std::move(checked)};
}

std::optional<std::string> value_of(const std::optional<ValueRow>& row) {
  if (!row) return std::nullopt;
  return row->value;
}

}  // namespace

void SettingRegistry::insert(SettingSpec spec) {
  const std::string key = spec.key;
  if (!specs_.emplace(key, std::move(spec)).second) throw std::logic_error("setting declared twice: " + key);
}

void SettingRegistry::call(std::string old_key, std::string_view key, bool fallback) {
  if (fallback) fallbacks_.insert(old_key);
  old_keys_.emplace(std::move(old_key), key);
}

const std::string& SettingRegistry::key_of_old(const std::string& old_key) const {
  const auto found = old_keys_.find(old_key);
  return found == old_keys_.end() ? old_key : found->second;
}

void SettingRegistry::add(std::string_view owner, const IntegerSetting& s) {
  insert({std::string(s.key), std::string(owner), SettingSpec::Type::integer, fmt::format("{}", s.builtin),
          s.least, s.most, s.has_default});
}

void SettingRegistry::add(std::string_view owner, const BooleanSetting& s) {
  insert({std::string(s.key), std::string(owner), SettingSpec::Type::boolean, s.builtin ? "true" : "false", 0,
          1, s.has_default});
}

void SettingRegistry::add(std::string_view owner, const TextSetting& s) {
  SettingSpec spec{
      std::string(s.key), std::string(owner), SettingSpec::Type::text, std::string(s.builtin), 0, 0,
      s.has_default,      s.normalise};
  spec.process = s.process;
  spec.comes_from = s.comes_from;
  spec.longest = s.longest;
  std::string choices(s.choices);
  std::replace(choices.begin(), choices.end(), ',', ' ');
  for (const std::string_view choice : split_words(choices)) spec.choices.emplace_back(choice);
  insert(std::move(spec));
}

Result<const SettingSpec*> SettingRegistry::find(std::string_view key) const {
  if (const auto found = specs_.find(key); found != specs_.end()) return &found->second;
  std::vector<std::string> known;
  for (const auto& [name, spec] : specs_) known.push_back(name);
  const auto meant = closest(key, known);
  return fail(
      ErrorCode::not_found, fmt::format("there is no setting '{}'", key),
      meant ? fmt::format("Did you mean '{}'?", *meant) : "`guildhall settings list --server ID` shows all.");
}

Result<std::string> SettingRegistry::check(const SettingSpec& spec, std::string_view value) {
  switch (spec.type) {
    case SettingSpec::Type::integer: return check_integer(spec, value);
    case SettingSpec::Type::boolean:
      if (const auto truth = parse_bool(value)) return std::string(*truth ? "true" : "false");
      return fail(ErrorCode::invalid, fmt::format("{}: must be true or false", spec.key));
    case SettingSpec::Type::text: return check_text(spec, value);
  }
  return fail(ErrorCode::invalid, "unknown type of setting");
}

Settings::Settings(const SettingRegistry& registry, const Config& config,
                   const std::vector<SettingRow>& server_rows, const std::vector<SettingRow>& default_rows) {
  for (const auto& [key, spec] : registry.all()) {
    values_[key] = {spec.builtin, "builtin", ""};
    if (spec.process != nullptr && is_configured(config, spec.process))
      values_[key] = {config.*spec.process, "process", ""};
  }
  const auto overlay = [&](const std::vector<SettingRow>& rows, const char* source, bool defaults) {
    for (const SettingRow& row : rows) {
      const auto spec = registry.all().find(row.key);
      if (spec == registry.all().end() || row.value.empty() || (defaults && !spec->second.has_default))
        continue;
      // A row that an older version or another hand left there and that cannot be meant is not used.
      if (!SettingRegistry::check(spec->second, row.value)) continue;
      Effective& effective = values_[row.key];
      effective.value = row.value;
      effective.source = source;
    }
  };
  overlay(default_rows, "default", true);
  for (auto& [key, effective] : values_) effective.fallback = effective.value;
  overlay(server_rows, "server", false);
}

std::int64_t Settings::get(const IntegerSetting& setting) const {
  return parse_amount(values_.find(setting.key)->second.value).value_or(setting.builtin);
}

bool Settings::get(const BooleanSetting& setting) const {
  return parse_bool(values_.find(setting.key)->second.value).value_or(setting.builtin);
}

std::string Settings::get(const TextSetting& setting) const {
  return values_.find(setting.key)->second.value;
}

bool Settings::is_on(std::string_view feature) const {
  const auto found = values_.find(fmt::format("{}_enabled", feature));
  return found == values_.end() || found->second.value == "true";
}

Result<std::string> normalise_time_zone(std::string_view text) {
  if (is_time_zone(text)) return std::string(text);
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a time zone such as Europe/Berlin", text));
}

Result<std::string> normalise_prefix(std::string_view text) {
  if (!text.empty() && text.size() <= 8 && text.find_first_of(" \t\n/") == std::string_view::npos)
    return std::string(text);
  return fail(ErrorCode::invalid, "must be 1 to 8 characters without spaces or '/'");
}

Result<std::string> normalise_channel_slug(std::string_view text) {
  for (const std::string_view start : {"https://", "http://", "www.", "kick.com/", "@"}) {
    if (text.starts_with(start)) text.remove_prefix(start.size());
  }
  std::string slug = to_lower_ascii(text);
  if (slug.empty() || slug.size() > 64 ||
      slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
    return fail(ErrorCode::invalid, "must be a channel's name as in its address, kick.com/NAME");
  }
  return slug;
}

TxTask<SettingsPtr> load_settings(store::Tx& tx, const SettingRegistry& registry, const Config& config) {
  const auto server_rows = co_await tx.all(kServerRows);
  const auto default_rows = co_await tx.all(kDefaultRows);
  co_return std::make_shared<const Settings>(registry, config, server_rows, default_rows);
}

TxTask<Result<SettingChange>> change_setting(store::Tx& tx, const SettingRegistry& registry, SettingWish wish,
                                             tenancy::Actor actor, TimePoint now) {
  const auto checked = check_change(registry, wish.key, wish.value);
  if (!checked) co_return std::unexpected(checked.error());
  if (!checked->spec->comes_from.empty() && !wish.of_program && !mutated(Mutation::shown_settable))
    co_return fail(ErrorCode::forbidden, fmt::format("{} is not set by hand", wish.key),
                   checked->spec->comes_from);
  const auto row = co_await tx.one(kRead, {wish.key});
  const SettingChange change{wish.key, value_of(row), checked->value};
  if (wish.expected && *wish.expected != change.before) {
    co_return fail(ErrorCode::conflict, fmt::format("{} was changed by somebody else meanwhile", wish.key),
                   "Look at the new value and decide again.");
  }
  if (change.before == change.after) co_return change;
  if (change.after) {
    co_await tx.change(kSet, {wish.key, *change.after, now});
  } else {
    co_await tx.change(kUnset, {wish.key});
  }
  const tenancy::AuditEntry entry{std::move(actor), change.after ? "settings.set" : "settings.unset",
                                  wish.key, change.before, change.after};
  co_await tenancy::audit(tx, now, entry);
  co_await tenancy::bump_revision(tx);
  co_return change;
}

TxTask<std::vector<SettingRow>> load_defaults(store::GlobalTx& tx) {
  co_return co_await tx.all(kAllDefaults);
}

TxTask<Result<SettingChange>> change_default(store::GlobalTx& tx, const SettingRegistry& registry,
                                             std::string key, std::optional<std::string> value,
                                             tenancy::Actor actor, TimePoint now) {
  const auto checked = check_change(registry, key, value);
  if (!checked) co_return std::unexpected(checked.error());
  if (!checked->spec->has_default) {
    co_return fail(ErrorCode::invalid, fmt::format("{} is set per server only", key), "Use --server ID.");
  }
  const auto row = co_await tx.one(kReadDefault, {key});
  const SettingChange change{key, value_of(row), checked->value};
  if (change.before == change.after) co_return change;
  if (change.after) {
    co_await tx.change(kSetDefault, {key, *change.after, now});
  } else {
    co_await tx.change(kUnsetDefault, {key});
  }
  co_await tx.change(kBumpAll);
  const tenancy::AuditEntry entry{std::move(actor), "settings.default", key, change.before, change.after};
  co_await tenancy::log_operator(tx, now, entry);
  co_return change;
}

TxTask<void> put_default_row(store::GlobalTx& tx, std::string key, std::optional<std::string> value,
                             TimePoint now) {
  if (value) {
    co_await tx.change(kSetDefault, {std::move(key), *std::move(value), now});
  } else {
    co_await tx.change(kUnsetDefault, {std::move(key)});
  }
}

TxTask<void> rehearse_defaults(store::GlobalTx& tx, const SettingRegistry& registry, TimePoint now) {
  const tenancy::Actor actor{"rehearsal", "system"};
  const std::string key(kTimeZone.key);
  for (const char* value : {"Europe/Berlin", "Europe/Vienna", ""}) {
    const auto changed = co_await change_default(tx, registry, key, value, actor, now);
    if (!changed) throw ErrorException(changed.error());
    co_await load_defaults(tx);
  }
}

void declare_settings(store::StatementRegistry& statements, SettingRegistry& settings) {
  statements.add("settings", kServerRows, kDefaultRows, kRead, kSet, kUnset, kAllDefaults, kReadDefault,
                 kSetDefault, kUnsetDefault, kBumpAll);
  settings.add("bot", kLanguage);
  settings.add("bot", kTimeZone);
  settings.add("bot", kCommandPrefix);
  settings.add("bot", kKickChannel);
}

}  // namespace guildhall::bot
