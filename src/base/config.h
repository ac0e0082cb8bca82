// The configuration of the process: guildhall.toml < environment GUILDHALL_... < flags; later wins.
// Secrets can also come from a file named by GUILDHALL_..._FILE. An unknown key is an error with a
// suggestion, wherever it stands.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/ids.h"

namespace guildhall {

struct Config {
  std::string data_dir = "guildhall-data";
  std::string database_url = "sqlite:guildhall.db";
  std::string database_tick_url;
  std::string database_migrate_url;
  std::string web_listen = "127.0.0.1:8080";
  std::string web_public_url;
  std::string web_trusted_proxies;
  std::string secrets_key_file;
  std::string net_ca_file;
  std::string command_prefix = "!";
  std::string language = "en";
  std::string time_zone = "UTC";
  std::string discord_token;
  std::string discord_api_url = "https://discord.com/api";
  std::string discord_gateway_url;
  std::string discord_compression = "zstd";
  std::string discord_shards = "auto";
  std::string discord_public_key;
  std::string discord_client_secret;
  std::string discord_operators;
  std::string discord_presence;
  std::string kick_client_id;
  std::string kick_client_secret;
  std::string kick_oauth_url = "https://id.kick.com";
  std::string kick_api_url = "https://api.kick.com";
  std::string kick_public_key_file;
  std::string kick_chat_socket_app_key;
  std::string kick_chat_socket_cluster = "us2";
  std::string kick_chat_socket_url;
  std::string kick_chat_socket_site_url = "https://kick.com";
  std::string kick_chat_socket_chatrooms;

  /// Where a value came from: "default", "file guildhall.toml", "environment GUILDHALL_X", "flag --x".
  std::map<std::string, std::string, std::less<>> sources;

  /// The key file in use: the configured one, or secrets.key in the data folder.
  std::filesystem::path key_file() const;
  /// Where pages say they live: web.public_url without a slash at the end, or http://web.listen.
  std::string public_url() const;
  /// Does he run all of this (discord.operators)?
  bool is_operator(DiscordUserId user) const;
  /// Where Kick's chat socket is: kick.chat_socket.url, or the host of the cluster.
  std::string chat_socket_url() const;
  /// The numbers of kick.chat_socket.chatrooms, by the channel's slug in lower case.
  std::map<std::string, std::int64_t> chatrooms() const;
};

/// One key of the configuration as the outside names it.
struct ConfigKey {
  std::string_view name;  // "database.url"
  std::string Config::* member;
  bool secret = false;
  std::string_view help;
};

std::span<const ConfigKey> config_keys();

struct ConfigInput {
  std::optional<std::filesystem::path> file;  // must exist when named; otherwise ./guildhall.toml if there
  std::vector<std::pair<std::string, std::string>> environment;  // name, value; only GUILDHALL_* matter
  std::vector<std::pair<std::string, std::string>> flags;        // key name, value
};

/// Error `configuration` names the file and line, the variable or the flag, and the way out.
Result<Config> load_config(const ConfigInput& input);

/// host:port, [v6]:port or :port. Port 0 means any free one.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};
Result<ListenAddress> parse_listen(std::string_view text);

/// "********" for a secret that is set, the value otherwise; passwords inside URLs are masked.
std::string masked(const ConfigKey& key, const Config& config);

}  // namespace guildhall
