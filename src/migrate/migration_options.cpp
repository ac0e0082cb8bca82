#include "migrate/migration_options.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <functional>
#include <map>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kMark = "-- guildhall:";
constexpr std::array<std::pair<std::string_view, std::chrono::milliseconds>, 4> kUnits{
    {{"ms", 1ms}, {"s", 1s}, {"min", 1min}, {"h", 1h}}};

struct Setting {
  std::string key;
  std::string value;
};

/// `key=value key="several words" key` -> settings; a quote without an end is an error of its own.
Result<std::vector<Setting>> split_settings(std::string_view text) {
  std::vector<Setting> settings;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const auto end = std::min(text.find_first_of("= \t"), text.size());
    Setting setting{std::string(text.substr(0, end)), ""};
    text.remove_prefix(end);
    if (text.starts_with('=')) {
      text.remove_prefix(1);
      const bool quoted = text.starts_with('"');
      if (quoted) text.remove_prefix(1);
      const auto stop = quoted ? text.find('"') : std::min(text.find_first_of(" \t"), text.size());
      if (stop == std::string_view::npos)
        return fail(ErrorCode::invalid, fmt::format("the value of '{}' has no closing quote", setting.key));
      setting.value = text.substr(0, stop);
      text.remove_prefix(stop + (quoted ? 1 : 0));
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (const auto part = trim(text.substr(0, comma)); !part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

/// Nothing, or what is wrong with the value.
using Problem = std::optional<std::string>;
using Apply = std::function<Problem(MigrationOptions&, const std::string&)>;

Apply take_text(std::string MigrationOptions::* field) {
  return [field](MigrationOptions& options, const std::string& value) -> Problem {
    options.*field = value;
    return value.empty() ? Problem("it needs a value") : std::nullopt;
  };
}

Apply take_list(std::vector<std::string> MigrationOptions::* field) {
  return [field](MigrationOptions& options, const std::string& value) -> Problem {
    for (auto& part : split_list(value)) (options.*field).push_back(std::move(part));
    return value.empty() ? Problem("it needs a value") : std::nullopt;
  };
}

Apply take_duration(std::optional<std::chrono::milliseconds> MigrationOptions::* field) {
  return [field](MigrationOptions& options, const std::string& value) -> Problem {
    const auto duration = parse_duration(value);
    if (!duration) return duration.error().message;
    options.*field = *duration;
    return std::nullopt;
  };
}

/// batch, batch=users(id)
Problem take_batch(MigrationOptions& options, const std::string& value) {
  BatchOption batch;
  if (!value.empty()) {
    const auto open = value.find('(');
    batch.table = value.substr(0, open);
    if (open != std::string::npos) batch.key = value.substr(open + 1, value.size() - open - 2);
    if (batch.table.empty() || batch.key.empty() || !value.ends_with(')'))
      return fmt::format("'{}' is not TABLE(KEY), like users(id)", value);
  }
  options.batch = std::move(batch);
  return std::nullopt;
}

Problem take_size(MigrationOptions& options, const std::string& value) {
  constexpr std::int64_t kMost = 1'000'000;
  std::int64_t size = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, size);
  if (error != std::errc() || stop != end || size < 1 || size > kMost)
    return fmt::format("'{}' is no number of rows from 1 to {}", value, kMost);
  options.batch_size = size;
  return std::nullopt;
}

template <class Field>
Apply take_word(Field MigrationOptions::* field, std::map<std::string, Field> words) {
  return [field, words = std::move(words)](MigrationOptions& options, const std::string& value) -> Problem {
    const auto found = words.find(value);
    if (found != words.end()) {
      options.*field = found->second;
      return std::nullopt;
    }
    std::string known;
    for (const auto& [word, meaning] : words) known += (known.empty() ? "" : ", ") + word;
    return fmt::format("'{}' is none of: {}", value, known);
  };
}

const std::map<std::string, Apply>& known_options() {
  using Options = MigrationOptions;
  static const std::map<std::string, Apply> options{
      {"transaction", take_word<bool>(&Options::in_transaction, {{"none", false}, {"file", true}})},
      {"lock_timeout", take_duration(&Options::lock_timeout)},
      {"statement_timeout", take_duration(&Options::statement_timeout)},
      {"allow", take_list(&Options::allow)},
      {"reason", take_text(&Options::reason)},
      {"needs", take_list(&Options::needs)},
      {"batch", take_batch},
      {"size", take_size},
      {"pause", take_duration(&Options::batch_pause)},
      {"only", take_word<std::optional<Dialect>>(
                   &Options::only, {{"postgres", Dialect::postgres}, {"sqlite", Dialect::sqlite}})},
      {"phase", take_word<Phase>(&Options::phase, {{"expand", Phase::expand},
                                                   {"backfill", Phase::backfill},
                                                   {"contract", Phase::contract}})},
      {"purpose", take_text(&Options::purpose)},
      {"date", take_text(&Options::date)},
      {"risk", take_text(&Options::risk)},
      {"impact", take_text(&Options::impact)}};
  return options;
}

/// Applies one setting; what is wrong with it, and perhaps what was meant.
std::optional<std::pair<std::string, std::string>> apply(MigrationOptions& options, const Setting& setting) {
  const auto found = known_options().find(setting.key);
  if (found != known_options().end()) {
    if (const auto problem = found->second(options, setting.value))
      return std::pair{fmt::format("option '{}': {}", setting.key, *problem), std::string()};
    return std::nullopt;
  }
  std::vector<std::string> names;
  for (const auto& [name, apply] : known_options()) names.push_back(name);
  const auto meant = closest(setting.key, names);
  return std::pair{fmt::format("unknown option '{}'", setting.key),
                   meant ? fmt::format("Did you mean '{}'?", *meant)
                         : fmt::format("Options are: {}.", fmt::join(names, ", "))};
}

}  // namespace

MigrationOptions read_options(const std::vector<Token>& tokens, const std::string& name, Findings& findings) {
  MigrationOptions options;
  bool at_the_top = true;
  const auto report = [&](std::size_t line, std::string text, std::string hint) {
    findings.push_back({"E-OPTION", Level::error, name, line, std::move(text), std::move(hint)});
  };
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::comment) {
      at_the_top = false;
      continue;
    }
    if (!token.text.starts_with(kMark)) continue;
    const std::string_view rest = token.text.substr(kMark.size());
    if (trim(rest) == "up" || trim(rest) == "down") continue;  // begins a section
    if (!at_the_top) {
      report(token.line, "options stand before the first statement", "Move the line to the top.");
      continue;
    }
    const auto settings = split_settings(rest);
    if (!settings) {
      report(token.line, settings.error().message, "Put a double quote at the end of the value.");
      continue;
    }
    for (const Setting& setting : *settings) {
      if (auto problem = apply(options, setting))
        report(token.line, std::move(problem->first), std::move(problem->second));
    }
  }
  if (!options.allow.empty() && options.reason.empty())
    report(1, "'allow' needs a reason", "Write: -- guildhall: allow=L03 reason=\"why it is right here\"");
  if (!options.batch && (options.batch_size || options.batch_pause))
    report(1, "'size' and 'pause' are of a batch",
           "Write: -- guildhall: batch=TABLE(KEY) size=1000 pause=50ms");
  return options;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, length] : kUnits) {
    if (error == std::errc() && unit == name && number >= 0 && number <= 1'000'000'000)
      return number * length;
  }
  return fail(ErrorCode::invalid, fmt::format("'{}' is no duration", text),
              "Write for example 500ms, 3s, 5min or 2h.");
}

std::string show_duration(std::chrono::milliseconds duration) {
  for (const auto& [name, length] : {kUnits[3], kUnits[2], kUnits[1]}) {
    if (duration % length == 0ms && (duration >= length || length == 1s))
      return fmt::format("{}{}", duration / length, name);
  }
  return fmt::format("{}ms", duration.count());
}

}  // namespace guildhall::migrate
