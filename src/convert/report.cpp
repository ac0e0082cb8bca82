#include "convert/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "convert/refused_row.h"
#include "convert/rows.h"

namespace guildhall::convert {
namespace {

constexpr std::size_t kLinesOfEach = 20;

std::string_view level_name(migrate::Level level) {
  switch (level) {
    case migrate::Level::info: return "info";
    case migrate::Level::warning: return "warning";
    case migrate::Level::error: return "error";
  }
  std::unreachable();
}

std::string_view sign_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::equal: return "=";
    case Verdict::explained: return "~";
    case Verdict::written: return "+";
    case Verdict::differs: return "!";
  }
  std::unreachable();
}

json::Value row_json(const std::string& row) {
  const auto object = parse_refused_row(row);
  return object ? json::Value(*object) : json::Value(row);
}

json::Object conversion_json(const Conversion& conversion) {
  return {{"number", std::to_string(conversion.number)}, {"state", name_of(conversion.state)},
          {"home", std::to_string(conversion.home)},     {"begun_at", conversion.begun_at},
          {"changed_at", conversion.changed_at},         {"backup_file", conversion.backup_file},
          {"tool_version", conversion.tool_version}};
}

json::Object table_json(const TableComparison& table) {
  json::Array totals, servers;
  for (const TotalComparison& total : table.totals)
    totals.push_back(
        json::Object{{"column", total.column}, {"before", total.before}, {"after", total.after}});
  for (const ServerComparison& server : table.servers)
    servers.push_back(json::Object{
        {"server", server.server}, {"rows_before", server.before}, {"rows_after", server.after}});
  return {{"table", table.table},
          {"class", name_of(table.table_class)},
          {"verdict", name_of(table.verdict)},
          {"rows_before", table.rows_before},
          {"rows_after", table.rows_after},
          {"rows_proven", table.proven},
          {"rows_refused", table.refused},
          {"totals", std::move(totals)},
          {"servers", std::move(servers)}};
}

json::Object list_json(const ListComparison& list) {
  json::Array rows;
  for (const ListRow& row : list.rows)
    rows.push_back(json::Object{
        {"server", row.server}, {"name", row.name}, {"before", row.before}, {"after", row.after}});
  return {{"title", list.title}, {"rows", std::move(rows)}};
}

template <class Things, class Function>
json::Array array_of(const Things& things, Function function) {
  json::Array array;
  for (const auto& thing : things) array.push_back(function(thing));
  return array;
}

std::string table_line(const TableComparison& table) {
  std::vector<std::string> totals;
  for (const TotalComparison& total : table.totals) {
    totals.push_back(total.before == total.after
                         ? fmt::format("{} {}", total.column, shown_number(total.before))
                         : fmt::format("{} {} -> {}", total.column, shown_number(total.before),
                                       shown_number(total.after)));
  }
  const std::string rows = table.rows_before == table.rows_after
                               ? shown_number(std::to_string(table.rows_after))
                               : fmt::format("{} -> {}", shown_number(std::to_string(table.rows_before)),
                                             shown_number(std::to_string(table.rows_after)));
  std::string line = fmt::format("  {} {:<32} {:>14} rows", sign_of(table.verdict), table.table, rows);
  if (table.verdict == Verdict::written)
    line += fmt::format(", {} proved equal", shown_number(std::to_string(table.proven)));
  if (!totals.empty()) line += fmt::format("; {}", fmt::join(totals, ", "));
  return line + "\n";
}

std::string lists_text(const Verification& found) {
  std::string text;
  for (const ListComparison& list : found.lists) {
    text += fmt::format("\n{}\n", list.title);
    if (list.rows.empty()) text += "  none\n";
    for (const ListRow& row : list.rows)
      text += fmt::format("  {} {:<32} {:>14}{}\n", row.before == row.after ? "=" : "+",
                          row.name.empty() ? "(none)" : row.name, shown_number(row.before),
                          row.before == row.after ? ""
                          : row.after.empty()     ? " -> not there any more"
                                                  : " -> " + shown_number(row.after));
  }
  return text;
}

std::string refused_text(const Verification& found) {
  if (found.refused.empty() && found.twins.empty()) return "";
  std::string text;
  if (!found.refused.empty())
    text += fmt::format("\nRows that could not stay as they were ({})\n", found.refused.size());
  for (std::size_t i = 0; i < std::min(found.refused.size(), kLinesOfEach); ++i) {
    const Refused& row = found.refused[i];
    text += fmt::format("  {} ({}): {}; {}\n", row.table, shown_row(row.row), row.reason, row.done);
  }
  if (found.refused.size() > kLinesOfEach)
    text += fmt::format("  ... and {} more: in the JSON and the HTML report\n",
                        found.refused.size() - kLinesOfEach);
  if (!found.twins.empty())
    text += fmt::format("\nNames that look alike, kept apart ({})\n", found.twins.size());
  for (std::size_t i = 0; i < std::min(found.twins.size(), kLinesOfEach); ++i)
    text += fmt::format("  {}.{}: {}\n", found.twins[i].table, found.twins[i].column,
                        fmt::join(found.twins[i].names, ", "));
  if (found.twins.size() > kLinesOfEach)
    text += fmt::format("  ... and {} more\n", found.twins.size() - kLinesOfEach);
  return text;
}

}  // namespace

std::map<std::string, std::string> server_names(store::SchemaSession& session, const Scheme& scheme) {
  std::map<std::string, std::string> names;
  const Registry& registry = scheme.description.registry;
  const Table* table = scheme.registry();
  if (table == nullptr || table->column(registry.column) == nullptr ||
      table->column(registry.name) == nullptr)
    return names;
  for (const auto& row :
       session.query(fmt::format("SELECT CAST({} AS text), COALESCE(CAST({} AS text), '') FROM {} t",
                                 column_sql("t", registry.column), column_sql("t", registry.name),
                                 qualified(*scheme.schema, registry.table)))) {
    if (!row[1].empty()) names[row[0]] = row[1];
  }
  return names;
}

std::string shown_number(const std::string& decimal) {
  std::int64_t whole = 0;
  const std::size_t point = std::min(decimal.find('.'), decimal.size());
  const auto [end, error] = std::from_chars(decimal.data(), decimal.data() + point, whole);
  if (error != std::errc() || end != decimal.data() + point) return decimal;
  const std::string sign = whole == 0 && decimal.starts_with('-') ? "-" : "";
  return sign + group_digits(whole, ",") + decimal.substr(point);
}

std::string verdict_sentence(const Verification& found) {
  if (!found.ok)
    return "Something is not as it has to be. It is listed below; nothing was changed by looking.";
  if (!found.is_compared && !found.is_of_one_server)
    return "Every row has its server, and keys, checks and seal are what they have to be. The rows were "
           "compared "
           "when expansion ended; contraction changes none.";
  if (!found.is_compared)
    return "All that can be told holds. Rows were not added up before, so they cannot be compared; the way "
           "that "
           "was taken writes none of them.";
  if (found.writers == Writers::running)
    return "Everything that nobody has written to since is as it was, row by row. The old program went on "
           "working meanwhile, so some numbers have grown.";
  const bool has_explained =
      std::ranges::any_of(found.tables, [](const auto& one) { return one.verdict == Verdict::explained; });
  return has_explained ? "Everything is as it was, row by row, but for the rows listed below."
                       : "Everything is as it was, row by row.";
}

std::string what_was_done(const ReportHead& head, const Verification& found) {
  const std::string home = std::to_string(head.conversion.home);
  const auto name = head.servers.find(home);
  const std::string server = name == head.servers.end() ? fmt::format("server {}", home)
                                                        : fmt::format("{} (server {})", name->second, home);
  std::string text = fmt::format(
      "This database held the rows of one Discord server. In {} tables every row now says which server it "
      "belongs to. Rows that said nothing of it belong to {}.",
      found.is_compared ? found.tables.size() : found.converted, server);
  if (found.is_of_one_server)
    return text + " The file is that server's own now. The old bot still works as it did.";
  switch (head.conversion.state) {
    case State::contracted:
      return text +
             " The conversion is complete: several servers can use the database, each with rows of "
             "its own.";
    case State::expanded:
      return text +
             " The old bot still works as it did. Only one server can use the database until the last "
             "step (contract) is done.";
    case State::rolled_back: return text + " It was taken back: the database is for one server again.";
    default: return text + " The conversion is not finished.";
  }
}

std::string shown_row(const std::string& row) {
  const auto object = parse_refused_row(row);
  if (!object) return row;
  std::vector<std::string> parts;
  for (const auto& [column, value] : *object) {
    if (!value.is_null())
      parts.push_back(fmt::format("{} {}", std::string(column), std::string(value.as_string())));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string report_text(const ReportHead& head, const Verification& found) {
  std::string text =
      fmt::format("{}\n{}\n\nWhat was checked\n", verdict_sentence(found), what_was_done(head, found));
  for (const Answered& check : found.checks)
    text += fmt::format("  {} {}{}\n", check.holds ? "ok  " : "BAD ", check.title,
                        check.holds ? "" : ": " + check.text);
  if (found.is_compared)
    text += "\nTables (= equal, + written to since, ~ but for the rows listed, ! not equal)\n";
  for (const TableComparison& table : found.tables) text += table_line(table);
  text += lists_text(found) + refused_text(found);
  std::string warnings;
  for (const migrate::Finding& finding : found.findings) {
    if (finding.level == migrate::Level::error) continue;
    warnings += fmt::format("  {}: {}{}\n", finding.code, finding.text,
                            finding.hint.empty() ? "" : "\n    hint: " + finding.hint);
  }
  if (!warnings.empty()) text += "\nTo be known\n" + warnings;
  return text;
}

boost::json::object report_json(const ReportHead& head, const Verification& found) {
  const auto check = [](const Answered& one) {
    return json::Object{{"title", one.title}, {"holds", one.holds}, {"text", one.text}};
  };
  const auto owner = [](const OwnerComparison& one) {
    return json::Object{{"table", one.table},
                        {"parent", one.parent},
                        {"verdict", name_of(one.verdict)},
                        {"rows", one.rows},
                        {"rows_proven", one.proven}};
  };
  const auto refused = [](const Refused& one) {
    return json::Object{
        {"table", one.table}, {"row", row_json(one.row)}, {"reason", one.reason}, {"done", one.done}};
  };
  const auto twins = [](const Twins& one) {
    return json::Object{
        {"table", one.table},
        {"column", one.column},
        {"server", one.server},
        {"names", array_of(one.names, [](const std::string& name) { return json::Value(name); })}};
  };
  const auto finding = [](const migrate::Finding& one) {
    return json::Object{
        {"code", one.code}, {"level", level_name(one.level)}, {"text", one.text}, {"hint", one.hint}};
  };
  return {{"ok", found.ok},
          {"database", head.database},
          {"made_at", head.made_at},
          {"conversion", conversion_json(head.conversion)},
          {"writers", found.writers == Writers::running ? "running" : "stopped"},
          {"contracted", found.contracted},
          {"rows_compared", found.is_compared},
          {"tables", array_of(found.tables, table_json)},
          {"owners", array_of(found.owners, owner)},
          {"checks", array_of(found.checks, check)},
          {"lists", array_of(found.lists, list_json)},
          {"refused", array_of(found.refused, refused)},
          {"twins", array_of(found.twins, twins)},
          {"findings", array_of(found.findings, finding)}};
}

}  // namespace guildhall::convert
