// guildhall keys list, rotate, forget
#include <fmt/format.h>

#include "bot/key_rotation.h"
#include "cli/commands.h"
#include "cli/workspace.h"
#include "net/loops.h"

namespace guildhall::cli {
namespace {

using Outcome = Result<std::optional<Answer>>;

/// So long at most a running bot goes on with the key of before (App looks at the file every five seconds).
constexpr std::chrono::seconds kUntilAllHaveIt{7};

/// Who did what to which key stands in the operator's log.
void log_change(Workspace& workspace, const Clock& clock, std::string action, std::string key) {
  const tenancy::AuditEntry entry{command_line_operator(), std::move(action), std::move(key), std::nullopt,
                                  std::nullopt};
  net::run_to_end(workspace.tenancy().global().transact([&](store::GlobalTx& tx) -> store::TxTask<void> {
    co_await tenancy::log_operator(tx, clock.now(), entry);
  }));
}

Outcome list(const Arguments& arguments) {
  const auto secrets = Secrets::load(arguments.config.key_file());
  if (!secrets) return std::unexpected(secrets.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  auto counts = net::run_to_end(bot::count_by_key((*workspace)->tenancy().grants()));
  const std::vector<std::string> ids = secrets->key_ids();
  Answer answer;
  boost::json::array rows;
  const auto add = [&](const std::string& id, std::string_view state) {
    rows.push_back({{"id", id}, {"state", state}, {"values", counts[id]}});
    answer.text += fmt::format("{:<8} {:<8} {} values\n", id, state, counts[id]);
    counts.erase(id);
  };
  for (const std::string& id : ids) add(id, id == ids.back() ? "seals" : "opens");
  for (const auto& [id, count] : std::map(counts)) add(id, "missing");
  answer.json = {{"keys", std::move(rows)}};
  return answer;
}

Answer rotated(const std::string& key, const bot::Resealed& done,
               std::map<std::string, std::int64_t> counts) {
  const std::int64_t present = counts[key];
  counts.erase(key);
  std::int64_t other = 0;
  for (const auto& [id, count] : counts) other += count;
  Answer answer;
  answer.text = fmt::format("Key {} seals from now on; {} values were sealed anew.\n", key, done.values);
  answer.json = {{"key", key}, {"resealed", done.values}, {"sealed", present}, {"left", other}};
  if (other > 0) {
    answer.problems = fmt::format(
        "guildhall: {} values still need another key\nhint: Run it once more. What cannot be read even then "
        "(`guildhall keys list`) has to be connected again.\n",
        other);
    answer.exit_code = static_cast<int>(ExitCode::failed);
  } else if (present > 0) {
    answer.text +=
        "Copy the key file to where you keep it apart from the database. Once no backup needs the keys of "
        "before,\n"
        "`guildhall keys forget ID` takes them away; buttons in older messages then stop working.\n";
  }
  return answer;
}

Outcome rotate(const Arguments& arguments) {
  const auto file = arguments.config.key_file();
  const auto secrets = Secrets::load(file);
  if (!secrets) return std::unexpected(secrets.error());
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  auto& grants = (*workspace)->tenancy().grants();
  // One that was cut short goes on with the key that it made.
  const bool goes_on = net::run_to_end(bot::is_unfinished(grants, *secrets));
  const Result<std::string> key = goes_on ? secrets->key_ids().back() : Secrets::add_key(file);
  if (!key) return std::unexpected(key.error());
  log_change(**workspace, clock, goes_on ? "keys.rotation_went_on" : "keys.rotated", *key);
  if (auto read = secrets->refresh(); !read) return std::unexpected(read.error());
  fmt::print(stderr, "Key {} is there; waiting until running bots have it.\n", *key);
  net::run_to_end(net::sleep_for(kUntilAllHaveIt));
  const bot::Resealed done = net::run_to_end(bot::reseal_all(grants, *secrets));
  return rotated(*key, done, net::run_to_end(bot::count_by_key(grants)));
}

Outcome forget(const Arguments& arguments) {
  const std::string id = arguments.require("ID");
  const SystemClock clock;
  auto workspace = Workspace::open(arguments.config, clock);
  if (!workspace) return std::unexpected(workspace.error());
  const auto counts = net::run_to_end(bot::count_by_key((*workspace)->tenancy().grants()));
  if (counts.empty() && !arguments.has("--no-tokens"))
    return fail(ErrorCode::refused_by_guard,
                "this database holds no stored tokens, so it cannot say what needs the key",
                "Name the bot's own database (--config, --url). If it is that one, add --no-tokens.");
  if (const auto needed = counts.find(id); needed != counts.end())
    return fail(ErrorCode::refused_by_guard,
                fmt::format("key '{}' is needed for {} stored values", id, needed->second),
                "`guildhall keys rotate` seals them with another one.");
  if (auto removed = Secrets::remove_key(arguments.config.key_file(), id); !removed)
    return std::unexpected(removed.error());
  log_change(**workspace, clock, "keys.forgotten", id);
  return Answer{fmt::format("Key {} is gone.\n", id), {{"key", id}}};
}

}  // namespace

void add_keys_commands(std::vector<Command>& commands) {
  commands.push_back({{"keys", "list"},
                      "shows the keys that seal stored tokens, and what each is needed for",
                      "guildhall keys list",
                      {},
                      {},
                      list});
  commands.push_back({{"keys", "rotate"},
                      "makes a new key and seals every stored token with it, while the bot runs",
                      "guildhall keys rotate --config /etc/guildhall.toml",
                      {},
                      {},
                      rotate});
  commands.push_back({{"keys", "forget"},
                      "takes a key away that nothing needs any more",
                      "guildhall keys forget k1",
                      {{"ID", "the key, as `guildhall keys list` shows it"}},
                      {{"--no-tokens", "", "no channel is connected, and that is right"}},
                      forget});
}

}  // namespace guildhall::cli
