// Sums as they lie in the tool's tables between before and after.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/error.h"
#include "base/json.h"
#include "convert/sums.h"

namespace guildhall::convert {
namespace {

json::Array array_of(const std::vector<std::string>& texts) {
  json::Array array;
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

std::vector<std::string> texts_of(const json::Value& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::Value& text : json::array(object, key)) texts.emplace_back(text.as_string());
  return texts;
}

json::Array amount_json(const Amount& amount) {
  return {std::to_string(amount.rows), digits_of(amount.hash)};
}

Amount amount_of(const json::Value& value) {
  const json::Array& pair = value.as_array();
  return {std::stoll(std::string(pair.at(0).as_string())), parse_wide(pair.at(1).as_string())};
}

json::Object totals_json(const std::map<std::string, std::string>& totals) {
  json::Object object;
  for (const auto& [column, total] : totals) object[column] = total;
  return object;
}

std::map<std::string, std::string> totals_of(const json::Value& value) {
  std::map<std::string, std::string> totals;
  for (const auto& [column, total] : value.as_object())
    totals[std::string(column)] = std::string(total.as_string());
  return totals;
}

std::string written(const Measured& measured) {
  const Measure& measure = measured.measure;
  json::Object buckets;
  for (const auto& [bucket, amount] : measured.all) buckets[std::to_string(bucket)] = amount_json(amount);
  json::Array servers;
  for (const ServerSum& sum : measured.servers)
    servers.push_back(json::Object{
        {"server", sum.server}, {"amount", amount_json(sum.amount)}, {"totals", totals_json(sum.totals)}});
  json::Value parent = nullptr;
  if (measure.parent)
    parent = json::Object{{"table", measure.parent->table},
                          {"columns", array_of(measure.parent->columns)},
                          {"referenced", array_of(measure.parent->referenced)}};
  return json::write(json::Object{{"columns", array_of(measure.columns)},
                                  {"parent", std::move(parent)},
                                  {"parent_columns", array_of(measure.parent_columns)},
                                  {"key", array_of(measure.key)},
                                  {"buckets", std::to_string(measure.buckets)},
                                  {"in", std::move(buckets)},
                                  {"servers", std::move(servers)},
                                  {"totals", totals_json(measured.totals)}});
}

/// What is in the tool's own table was written by it: what does not look so was changed since.
json::Value parsed(const Fact& fact) {
  auto value = json::parse(fact.value);
  if (!value)
    throw store::DatabaseError(
        store::DbCode::other, "",
        fmt::format("what was put down of {} {} in the tool's own table guildhall_conversion_facts "
                    "cannot be read: {}",
                    fact.kind, fact.table, value.error().message));
  return *std::move(value);
}

Measured measured_of(const Fact& fact) {
  const json::Value value = parsed(fact);
  Measured measured{{.kind = fact.kind,
                     .table = fact.table,
                     .columns = texts_of(value, "columns"),
                     .parent_columns = texts_of(value, "parent_columns"),
                     .key = texts_of(value, "key"),
                     .buckets = static_cast<std::size_t>(json::id(value, "buckets").value_or(64))}};
  if (const json::Value* parent = json::find(value, "parent"); parent != nullptr)
    measured.measure.parent = Parent{json::text_or(*parent, "table", ""), texts_of(*parent, "columns"),
                                     texts_of(*parent, "referenced")};
  for (const auto& [bucket, amount] : value.at("in").as_object())
    measured.all[std::stoull(std::string(bucket))] = amount_of(amount);
  for (const json::Value& sum : json::array(value, "servers"))
    measured.servers.push_back(
        {json::text_or(sum, "server", ""), amount_of(sum.at("amount")), totals_of(sum.at("totals"))});
  measured.totals = totals_of(value.at("totals"));
  return measured;
}

std::string written(const Shown& shown) {
  json::Array rows;
  for (const ShownRow& row : shown.rows) rows.emplace_back(json::Array{row.server, row.name, row.value});
  return json::write(rows);
}

Shown shown_of(const Fact& fact) {
  Shown shown{fact.table, {}};
  const json::Value value = parsed(fact);
  for (const json::Value& row : value.as_array()) {
    const json::Array& cells = row.as_array();
    shown.rows.push_back({std::string(cells.at(0).as_string()), std::string(cells.at(1).as_string()),
                          std::string(cells.at(2).as_string())});
  }
  return shown;
}

/// Earlier builds did not say in which way they hashed: it was the first.
constexpr int kFirstHashing = 1;

void put_down(Records& records, std::int64_t conversion, const std::string& phase, const Sums& sums) {
  for (const Measured& one : sums.measured) {
    records.add(conversion, Fact{phase, one.measure.kind, one.measure.table, written(one)});
    // The same once more for whoever looks with SQL.
    if (one.measure.parent) continue;
    const Amount all = all_of(one.all);
    records.add(conversion, Sum{phase, one.measure.table, "", all.rows, digits_of(all.hash),
                                json::write(totals_json(one.totals))});
    for (const ServerSum& server : one.servers)
      records.add(conversion, Sum{phase, one.measure.table, server.server, server.amount.rows,
                                  digits_of(server.amount.hash), json::write(totals_json(server.totals))});
  }
  std::size_t place = 0;
  for (const Shown& shown : sums.shown)
    records.add(conversion, Fact{phase, fmt::format("shown {:03}", place++), shown.title, written(shown)});
  if (sums.violations)
    records.add(conversion, Fact{phase, "violations", "", json::write(amount_json(*sums.violations))});
  for (const auto& [table, sequence] : sums.sequences)
    records.add(conversion, Fact{phase, "sequence", table, std::to_string(sequence)});
  records.add(conversion, Fact{phase, "hashing", "", std::to_string(sums.hashing)});
  // The last one: where it is, all of them are.
  records.add(conversion, Fact{phase, "snapshot", "", sums.snapshot});
}

bool are_put_down(const Records& records, std::int64_t conversion, std::string_view phase) {
  for (const Fact& fact : records.facts(conversion, phase)) {
    if (fact.kind == "snapshot") return true;
  }
  return false;
}

}  // namespace

void remember(store::SchemaSession& session, Records& records, std::int64_t conversion,
              const std::string& phase, const Sums& sums) {
  if (are_put_down(records, conversion, phase)) return;
  if (session.in_transaction()) {
    put_down(records, conversion, phase, sums);
    return;
  }
  session.execute("BEGIN");
  try {
    put_down(records, conversion, phase, sums);
    session.execute("COMMIT");
  } catch (...) {
    session.execute("ROLLBACK");
    throw;
  }
}

std::optional<Sums> remembered_sums(const Records& records, std::int64_t conversion, std::string_view phase) {
  if (!are_put_down(records, conversion, phase)) return std::nullopt;
  Sums sums{.hashing = kFirstHashing};
  for (const Fact& fact : records.facts(conversion, phase)) {
    if (fact.kind == "snapshot")
      sums.snapshot = fact.value;
    else if (fact.kind == "hashing")
      sums.hashing = std::stoi(fact.value);
    else if (fact.kind == "sequence")
      sums.sequences[fact.table] = std::stoll(fact.value);
    else if (fact.kind == "violations")
      sums.violations = amount_of(parsed(fact));
    else if (fact.kind.starts_with("shown"))
      sums.shown.push_back(shown_of(fact));
    else
      sums.measured.push_back(measured_of(fact));
  }
  return sums;
}

}  // namespace guildhall::convert
