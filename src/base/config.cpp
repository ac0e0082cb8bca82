#include "base/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

#include "base/crypto.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "base/toml.h"

namespace guildhall {
namespace {

/// As many would serve 25 million servers.
constexpr std::int64_t kMostShards = 10'000;
/// Discord shows no more.
constexpr std::size_t kLongestPresence = 128;

constexpr ConfigKey kKeys[] = {
    {"data.dir", &Config::data_dir, false, "folder for the database, keys and temporary files"},
    {"database.url", &Config::database_url, true,
     "sqlite:FILE or sqlite-per-server:DIR (below data.dir unless absolute), or postgres://USER@HOST/DB"},
    {"database.tick_url", &Config::database_tick_url, true,
     "PostgreSQL: the login of set-based work on several servers"},
    {"database.migrate_url", &Config::database_migrate_url, true,
     "PostgreSQL: the login that changes the schema at start"},
    {"web.listen", &Config::web_listen, false, "address and port of dashboard, API and webhooks"},
    {"web.public_url", &Config::web_public_url, false, "how browsers reach it, when behind a proxy"},
    {"web.trusted_proxies", &Config::web_trusted_proxies, false,
     "addresses whose X-Forwarded-For is believed"},
    {"secrets.key_file", &Config::secrets_key_file, false,
     "keys that seal stored tokens (data.dir/secrets.key)"},
    {"net.ca_file", &Config::net_ca_file, false, "certificate authorities instead of the system's"},
    {"command_prefix", &Config::command_prefix, false, "what starts a command in chat"},
    {"language", &Config::language, false, "en or de, for servers that chose none"},
    {"time_zone", &Config::time_zone, false, "zone name, for servers that chose none"},
    {"discord.token", &Config::discord_token, true, "the bot's token"},
    {"discord.api_url", &Config::discord_api_url, false, "ends in /api"},
    {"discord.gateway_url", &Config::discord_gateway_url, false, "instead of the one that Discord names"},
    {"discord.compression", &Config::discord_compression, false, "of what Discord sends: zstd, zlib or none"},
    {"discord.shards", &Config::discord_shards, false,
     "among how many connections Discord divides the servers: auto, or a number"},
    {"discord.public_key", &Config::discord_public_key, false,
     "the application's, with which interactions that Discord posts are verified"},
    {"discord.client_secret", &Config::discord_client_secret, true,
     "the application's, with which members sign in to the dashboard"},
    {"discord.operators", &Config::discord_operators, false,
     "ids of the Discord users who run all of this, separated by commas; they may open every server"},
    {"discord.presence", &Config::discord_presence, false,
     "what members see of the bot: \"watching the streams\", \"idle, playing chess\""},
    {"kick.client_id", &Config::kick_client_id, false, "of the Kick app"},
    {"kick.client_secret", &Config::kick_client_secret, true, "of the Kick app"},
    {"kick.oauth_url", &Config::kick_oauth_url, false, "origin, no path"},
    {"kick.api_url", &Config::kick_api_url, false, "origin, no path"},
    {"kick.public_key_file", &Config::kick_public_key_file, false,
     "pins the webhook key instead of fetching it"},
    {"kick.chat_socket.app_key", &Config::kick_chat_socket_app_key, false,
     "of the chat socket of Kick's own site; with it chat comes from there where Kick posts none"},
    {"kick.chat_socket.cluster", &Config::kick_chat_socket_cluster, false, "where the socket is"},
    {"kick.chat_socket.url", &Config::kick_chat_socket_url, false,
     "origin, no path, instead of wss://ws-CLUSTER.pusher.com"},
    {"kick.chat_socket.site_url", &Config::kick_chat_socket_site_url, false,
     "origin, no path, where the numbers of chatrooms are looked up"},
    {"kick.chat_socket.chatrooms", &Config::kick_chat_socket_chatrooms, false,
     "numbers that are not looked up: \"slug=number\", separated by commas"},
};

const ConfigKey* find_key(std::string_view name) {
  for (const ConfigKey& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string variable_name(std::string_view key) {
  std::string name = "GUILDHALL_";
  for (const char c : key)
    name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::unexpected<Error> unknown(std::string where, std::string_view name, std::span<const std::string> known) {
  const auto meant = closest(name, known);
  return fail(ErrorCode::configuration, fmt::format("{}: unknown key '{}'", where, name),
              meant ? fmt::format("Did you mean '{}'?", *meant) : "`guildhall config show` lists every key.");
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : kKeys) names.emplace_back(key.name);
  return names;
}

void set(Config& config, const ConfigKey& key, std::string value, std::string source) {
  config.*key.member = std::move(value);
  config.sources[std::string(key.name)] = std::move(source);
}

Result<void> read_table(Config& config, const toml::table& table, const std::string& prefix,
                        const std::string& file) {
  for (const auto& [name, node] : table) {
    const std::string full = prefix + std::string(name.str());
    const auto where = fmt::format("{} line {}", file, node.source().begin.line);
    if (const toml::table* inner = node.as_table()) {
      if (auto read = read_table(config, *inner, full + ".", file); !read) return read;
      continue;
    }
    const ConfigKey* key = find_key(full);
    if (key == nullptr) return unknown(where, full, key_names());
    const auto value = node.value<std::string>();
    if (!value || !node.is_string()) {
      return fail(ErrorCode::configuration, fmt::format("{}: '{}' must be text in quotes", where, full));
    }
    set(config, *key, *value, "file " + file);
  }
  return {};
}

/// Nothing for what cannot be read; a folder opens like a file and fails only when it is read.
std::optional<std::string> content_of(const std::filesystem::path& path) {
  std::ifstream input(path);
  if (!input || std::filesystem::is_directory(path)) return std::nullopt;
  std::stringstream content;
  content << input.rdbuf();
  return content.str();
}

Result<void> read_file(Config& config, const std::filesystem::path& path) {
  const std::string name = path.string();
  const auto content = content_of(path);
  if (!content)
    return fail(ErrorCode::configuration, fmt::format("cannot read configuration file '{}'", name));
  if (!is_clean_utf8(*content))
    return fail(ErrorCode::configuration, fmt::format("{}: is not text in UTF-8", name));
  const toml::parse_result parsed = toml::parse(*content, name);
  if (!parsed) {
    return fail(ErrorCode::configuration,
                fmt::format("{} line {}: {}", name, parsed.error().source().begin.line,
                            parsed.error().description()));
  }
  return read_table(config, parsed.table(), "", name);
}

Result<std::string> read_secret_file(const std::string& variable, const std::string& path) {
  const auto content = content_of(path);
  if (!content) return fail(ErrorCode::configuration, fmt::format("{}: cannot read '{}'", variable, path));
  return std::string(trim(*content));
}

Result<void> read_environment(Config& config, const ConfigInput& input) {
  std::vector<std::string> known;
  for (const ConfigKey& key : kKeys) {
    known.push_back(variable_name(key.name));
    if (key.secret) known.push_back(variable_name(key.name) + "_FILE");
  }
  for (const auto& [name, value] : input.environment) {
    if (!name.starts_with("GUILDHALL_")) continue;
    if (std::find(known.begin(), known.end(), name) == known.end())
      return unknown("environment", name, known);
    for (const ConfigKey& key : kKeys) {
      const std::string variable = variable_name(key.name);
      if (name == variable) set(config, key, value, "environment " + name);
      if (!key.secret || name != variable + "_FILE") continue;
      auto content = read_secret_file(name, value);
      if (!content) return std::unexpected(content.error());
      set(config, key, std::move(*content), "environment " + name);
    }
  }
  return {};
}

/// "slug=number".
std::optional<std::pair<std::string, std::int64_t>> read_chatroom(std::string_view text) {
  const auto sign = text.find('=');
  if (sign == 0 || sign == std::string_view::npos) return std::nullopt;
  const auto number = parse_amount(text.substr(sign + 1));
  if (!number || *number <= 0) return std::nullopt;
  return std::pair(to_lower_ascii(text.substr(0, sign)), *number);
}

/// Of a host name or a path.
bool is_plain_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// What is wrong, by key; nothing: it can be used.
std::optional<std::pair<std::string_view, std::string>> fault_of_chat_socket(const Config& config) {
  using Fault = std::pair<std::string_view, std::string>;
  if (!is_plain_word(config.kick_chat_socket_app_key))
    return Fault("kick.chat_socket.app_key", "must be letters and digits");
  if (!config.kick_chat_socket_app_key.empty() && config.kick_client_id.empty())
    return Fault("kick.chat_socket.app_key", "is of no use without kick.client_id");
  if (const auto& cluster = config.kick_chat_socket_cluster; cluster.empty() || !is_plain_word(cluster))
    return Fault("kick.chat_socket.cluster", "must be a name such as us2");
  const std::string& url = config.kick_chat_socket_url;
  if (!url.empty() && !url.starts_with("wss://") && !url.starts_with("ws://"))
    return Fault("kick.chat_socket.url", "must start with wss:// or ws://");
  std::set<std::string> slugs;
  std::set<std::int64_t> numbers;
  for (const std::string_view text : split_list(config.kick_chat_socket_chatrooms)) {
    const auto room = read_chatroom(text);
    if (!room) return Fault("kick.chat_socket.chatrooms", fmt::format("'{}' is not like slug=12345", text));
    if (!slugs.insert(room->first).second || !numbers.insert(room->second).second)
      return Fault("kick.chat_socket.chatrooms",
                   fmt::format("'{}': a channel has one chatroom, and a chatroom one channel", text));
  }
  return std::nullopt;
}

/// https://host or https://host:port, and what stands behind.
bool is_http_address(std::string_view text) {
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos ||
      (text.substr(0, scheme) != "https" && text.substr(0, scheme) != "http"))
    return false;
  if (std::ranges::any_of(text, [](char c) { return c >= 0 && c <= ' '; })) return false;
  std::string_view host = text.substr(scheme + 3);
  host = host.substr(0, std::min(host.find_first_of("/?#"), host.size()));
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    const auto port = parse_amount(host.substr(colon + 1));
    if (!port || *port < 1 || *port > 65'535) return false;
    host = host.substr(0, colon);
  }
  return !host.empty() && host.find('@') == std::string_view::npos;
}

Result<void> check(const Config& config) {
  const auto wrong = [&](std::string_view key, std::string_view why) {
    const auto source = config.sources.find(key);
    return fail(
        ErrorCode::configuration,
        fmt::format("{} ({}): {}", key, source == config.sources.end() ? "default" : source->second, why));
  };
  if (const auto listen = parse_listen(config.web_listen); !listen)
    return wrong("web.listen", listen.error().message);
  if (config.language != "en" && config.language != "de") return wrong("language", "must be en or de");
  if (const std::string& way = config.discord_compression; way != "zstd" && way != "zlib" && way != "none")
    return wrong("discord.compression", "must be zstd, zlib or none");
  if (const auto shards = parse_amount(config.discord_shards);
      config.discord_shards != "auto" && (!shards || *shards < 1 || *shards > kMostShards))
    return wrong("discord.shards", fmt::format("must be auto, or a number from 1 to {}", kMostShards));
  if (const std::string& key = config.discord_public_key; !key.empty() && !Ed25519PublicKey::from_hex(key))
    return wrong(
        "discord.public_key",
        "must be the 64 hexadecimal digits that Discord's developer portal shows as Public Key, on the "
        "application's page General Information");
  if (const std::string& text = config.discord_presence;
      !is_clean_utf8(text) || utf16_length(text) > kLongestPresence)
    return wrong("discord.presence",
                 fmt::format("must be a text of {} characters at most", kLongestPresence));
  if (!is_time_zone(config.time_zone)) {
    return wrong("time_zone", fmt::format("'{}' is not a time zone such as Europe/Berlin", config.time_zone));
  }
  if (config.command_prefix.empty() || config.command_prefix.size() > 8 ||
      config.command_prefix.find_first_of(" \t\n/") != std::string::npos) {
    return wrong("command_prefix", "must be 1 to 8 characters without spaces or '/'");
  }
  if (!config.kick_client_id.empty() && config.kick_client_secret.empty()) {
    return wrong("kick.client_secret", "is missing; kick.client_id alone is not enough");
  }
  if (const auto fault = fault_of_chat_socket(config)) return wrong(fault->first, fault->second);
  for (const std::string_view id : split_list(config.discord_operators)) {
    if (!DiscordUserId::parse(id))
      return wrong("discord.operators", fmt::format("'{}' is no Discord id", id));
  }
  for (const std::string_view key :
       {"discord.api_url", "kick.oauth_url", "kick.api_url", "kick.chat_socket.site_url", "web.public_url"}) {
    const std::string& value = config.*find_key(key)->member;
    if (!value.empty() && !is_http_address(value))
      return wrong(key, "must be an address such as https://host or http://host:port");
  }
  return {};
}

}  // namespace

std::filesystem::path Config::key_file() const {
  if (!secrets_key_file.empty()) return secrets_key_file;
  return std::filesystem::path(data_dir) / "secrets.key";
}

std::string Config::public_url() const {
  std::string url = web_public_url.empty() ? "http://" + web_listen : web_public_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool Config::is_operator(DiscordUserId user) const {
  const auto ids = split_list(discord_operators);
  return std::ranges::find(ids, user.str()) != ids.end();
}

std::string Config::chat_socket_url() const {
  if (!kick_chat_socket_url.empty()) return kick_chat_socket_url;
  return fmt::format("wss://ws-{}.pusher.com", kick_chat_socket_cluster);
}

std::map<std::string, std::int64_t> Config::chatrooms() const {
  std::map<std::string, std::int64_t> rooms;
  for (const std::string_view text : split_list(kick_chat_socket_chatrooms)) {
    if (auto room = read_chatroom(text)) rooms.insert(*std::move(room));
  }
  return rooms;
}

std::span<const ConfigKey> config_keys() { return kKeys; }

Result<Config> load_config(const ConfigInput& input) {
  Config config;
  for (const ConfigKey& key : kKeys) config.sources[std::string(key.name)] = "default";
  const std::filesystem::path standard = "guildhall.toml";
  std::error_code ignored;
  if (input.file || std::filesystem::exists(standard, ignored)) {
    if (auto read = read_file(config, input.file.value_or(standard)); !read)
      return std::unexpected(read.error());
  }
  if (auto read = read_environment(config, input); !read) return std::unexpected(read.error());
  for (const auto& [name, value] : input.flags) set(config, *find_key(name), value, "flag");
  if (auto checked = check(config); !checked) return std::unexpected(checked.error());
  return config;
}

Result<ListenAddress> parse_listen(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(ErrorCode::configuration, fmt::format("'{}' is not an address like 127.0.0.1:8080", text));
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  ListenAddress address{host.empty() ? "0.0.0.0" : std::string(host), 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    return fail(ErrorCode::configuration, fmt::format("'{}' is not a port from 0 to 65535", digits));
  }
  return address;
}

std::string masked(const ConfigKey& key, const Config& config) {
  const std::string& value = config.*key.member;
  if (!key.secret || value.empty()) return value;
  // A database URL is a secret only where it carries a password: scheme://user:password@host
  const auto scheme = value.find("://");
  if (key.name != "database.url") return "********";
  if (scheme == std::string::npos) return value;
  const auto at = value.find('@', scheme);
  const auto colon = value.find(':', scheme + 3);
  if (at == std::string::npos || colon > at) return value;
  return value.substr(0, colon + 1) + "********" + value.substr(at);
}

}  // namespace guildhall
