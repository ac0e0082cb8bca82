#include "tests/contract/openapi_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/text.h"
#include "net/url.h"

namespace guildhall::contract {
namespace {

using Complaints = std::vector<std::string>;

/// The description calls the codes in there integers; the written documentation calls them texts.
bool documented_otherwise(std::string_view property) { return property == "errors"; }

/// The description calls these integers; the written documentation, which clients follow, calls them
/// decimal texts.
bool documented_as_text(std::string_view property) {
  return property == "default_member_permissions" || property == "permissions" || property == "allow" ||
         property == "deny";
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

/// How many parts are literally equal; -1 when the path is another one.
int match(std::string_view described, std::string_view path) {
  const auto wanted = split(described);
  const auto given = split(path);
  if (wanted.size() != given.size()) return -1;
  int equal = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == given[i]) {
      ++equal;
    } else if (!wanted[i].starts_with('{') || given[i].empty()) {
      return -1;
    }
  }
  return equal;
}

class SchemaCheck {
 public:
  /// `closed`: a property that is not described is a complaint.
  SchemaCheck(const json::Value& document, bool closed) : document_(document), closed_(closed) {}

  Complaints check(const json::Value& schema, const json::Value& value, const std::string& where) const {
    if (const auto reference = json::text(schema, "$ref")) return check(resolve(*reference), value, where);
    Complaints found = check_type(schema, value, where);
    if (!found.empty()) return found;
    add(found, check_choices(schema, value, where));
    add(found, check_one_of(json::array(schema, "oneOf"), value, where));
    add(found, check_one_of(json::array(schema, "anyOf"), value, where));
    for (const json::Value& part : json::array(schema, "allOf")) add(found, check(part, value, where));
    if (value.is_string()) add(found, check_text(schema, value, where));
    if (value.is_number()) add(found, check_number(schema, value, where));
    if (value.is_array()) add(found, check_array(schema, value.get_array(), where));
    if (value.is_object()) add(found, check_object(schema, value.get_object(), where));
    return found;
  }

 private:
  static void add(Complaints& into, Complaints more) { std::ranges::move(more, std::back_inserter(into)); }

  const json::Value& resolve(const std::string& reference) const {
    const std::string name = reference.substr(reference.rfind('/') + 1);
    const json::Value* schema = json::find(document_, "components", "schemas", name);
    if (schema == nullptr) throw std::runtime_error("no schema " + reference);
    return *schema;
  }

  static bool is_a(const json::Value& value, std::string_view type) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_bool();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "array") return value.is_array();
    return type == "object" && value.is_object();
  }

  static Complaints check_type(const json::Value& schema, const json::Value& value,
                               const std::string& where) {
    const json::Value* type = json::find(schema, "type");
    if (type == nullptr) return {};
    if (type->is_string() && is_a(value, type->get_string())) return {};
    if (type->is_array()) {
      for (const json::Value& one : type->get_array()) {
        if (is_a(value, one.get_string())) return {};
      }
    }
    return {fmt::format("{}: {} is not of type {}", where, json::write(value), json::write(*type))};
  }

  static Complaints check_choices(const json::Value& schema, const json::Value& value,
                                  const std::string& where) {
    const json::Array& allowed = json::array(schema, "enum");
    const bool in_enum = allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
    const json::Value* constant = json::find(schema, "const");
    if (in_enum && (constant == nullptr || *constant == value)) return {};
    return {fmt::format("{}: {} is not among the values", where, json::write(value))};
  }

  /// One of them must fit; otherwise each says why it does not.
  Complaints check_one_of(const json::Array& schemas, const json::Value& value,
                          const std::string& where) const {
    Complaints all;
    for (const json::Value& schema : schemas) {
      Complaints found = check(schema, value, where);
      if (found.empty()) return {};
      add(all, std::move(found));
    }
    return all;
  }

  static Complaints check_text(const json::Value& schema, const json::Value& value,
                               const std::string& where) {
    const std::string text(std::string_view(value.get_string()));
    const auto length = static_cast<std::int64_t>(utf16_length(text));
    Complaints found;
    if (length > json::integer(schema, "maxLength").value_or(INT64_MAX))
      found.push_back(where + ": too long");
    if (length < json::integer(schema, "minLength").value_or(0)) found.push_back(where + ": too short");
    const auto pattern = json::text(schema, "pattern");
    if (pattern && !std::regex_search(text, std::regex(*pattern)))
      found.push_back(where + ": not of the pattern");
    return found;
  }

  static Complaints check_number(const json::Value& schema, const json::Value& value,
                                 const std::string& where) {
    const double number = value.to_number<double>();
    const bool fits = number >= json::number(schema, "minimum").value_or(number) &&
                      number <= json::number(schema, "maximum").value_or(number);
    return fits ? Complaints{} : Complaints{fmt::format("{}: {} is out of range", where, number)};
  }

  Complaints check_array(const json::Value& schema, const json::Array& array,
                         const std::string& where) const {
    Complaints found;
    const auto size = static_cast<std::int64_t>(array.size());
    if (size > json::integer(schema, "maxItems").value_or(INT64_MAX))
      found.push_back(where + ": too many items");
    if (size < json::integer(schema, "minItems").value_or(0)) found.push_back(where + ": too few items");
    std::set<std::string> seen;
    for (const json::Value& item : array) seen.insert(json::write(item));
    if (json::boolean(schema, "uniqueItems").value_or(false) && seen.size() < array.size()) {
      found.push_back(where + ": an item twice");
    }
    const json::Value* items = json::find(schema, "items");
    for (std::size_t i = 0; items != nullptr && i < array.size(); ++i) {
      add(found, check(*items, array[i], fmt::format("{}[{}]", where, i)));
    }
    return found;
  }

  Complaints check_object(const json::Value& schema, const json::Object& object,
                          const std::string& where) const {
    Complaints found;
    for (const json::Value& required : json::array(schema, "required")) {
      const std::string_view name = required.get_string();
      if (!object.contains(name)) found.push_back(fmt::format("{}: {} is missing", where, name));
    }
    const auto most = json::integer(schema, "maxProperties").value_or(INT64_MAX);
    if (static_cast<std::int64_t>(object.size()) > most) found.push_back(where + ": too many properties");
    const json::Value* properties = json::find(schema, "properties");
    const json::Value* others = json::find(schema, "additionalProperties");
    if (properties == nullptr && others == nullptr) return found;
    for (const auto& [key, value] : object) {
      const std::string_view name = key;
      const std::string inner = fmt::format("{}.{}", where, name);
      if (!closed_ && documented_otherwise(name)) continue;
      const json::Value* described = properties == nullptr ? nullptr : json::find(*properties, name);
      if (described == nullptr && others != nullptr && others->is_object()) described = others;
      if (described == nullptr) {
        if (closed_) found.push_back(inner + ": is not described");
      } else if (closed_ && documented_as_text(name) && value.is_string()) {
        add(found, check(*described, json::id(object, name).value(), inner));
      } else {
        add(found, check(*described, value, inner));
      }
    }
    return found;
  }

  const json::Value& document_;
  bool closed_;
};

bool declares(const json::Value& owner, std::string_view parameter) {
  return std::ranges::any_of(json::array(owner, "parameters"), [&](const json::Value& declared) {
    return json::text(declared, "name") == parameter && json::text(declared, "in") == "query";
  });
}

}  // namespace

Result<OpenApi> OpenApi::load(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(ErrorCode::not_found, "cannot read " + file);
  std::stringstream text;
  text << in.rdbuf();
  boost::json::parse_options options;
  options.max_depth = 100;
  boost::system::error_code error;
  json::Value document = boost::json::parse(text.str(), error, {}, options);
  if (error) return fail(ErrorCode::invalid, file + " is not JSON");
  return OpenApi(std::move(document));
}

const json::Value* OpenApi::find_path(std::string_view path) const {
  const json::Value* best = nullptr;
  int most_equal = -1;
  for (const auto& [described, operations] : json::find(document_, "paths")->get_object()) {
    const int equal = match(described, path);
    if (equal <= most_equal) continue;
    most_equal = equal;
    best = &operations;
  }
  return best;
}

const json::Value* OpenApi::find_operation(std::string_view method, std::string_view path) const {
  const json::Value* operations = find_path(path.substr(0, std::min(path.find('?'), path.size())));
  return operations == nullptr ? nullptr : json::find(*operations, to_lower_ascii(method));
}

bool OpenApi::describes(std::string_view method, std::string_view path) const {
  return find_operation(method, path) != nullptr;
}

std::vector<std::string> OpenApi::check_answer(std::string_view method, std::string_view path, int status,
                                               std::string_view body) const {
  const json::Value* operation = find_operation(method, path);
  if (operation == nullptr) return {fmt::format("{} {} is not described", method, path)};
  const std::string range = fmt::format("{}XX", status / 100);
  const json::Value* answer = json::find(*operation, "responses", std::to_string(status));
  if (answer == nullptr) answer = json::find(*operation, "responses", range);
  if (answer == nullptr) return {fmt::format("the status {} is not described", status)};
  if (const auto reference = json::text(*answer, "$ref")) {
    const std::string name = reference->substr(reference->rfind('/') + 1);
    answer = json::find(document_, "components", "responses", name);
  }
  const json::Value* schema = json::find(*answer, "content", "application/json", "schema");
  if (schema == nullptr) return body.empty() ? Complaints{} : Complaints{"no body is described"};
  const auto parsed = json::parse(body);
  if (!parsed) return {"the answer is not JSON"};
  return SchemaCheck(document_, false).check(*schema, *parsed, "answer");
}

std::vector<std::string> OpenApi::check(std::string_view method, std::string_view path,
                                        std::string_view body) const {
  const std::size_t question = std::min(path.find('?'), path.size());
  const json::Value* operations = find_path(path.substr(0, question));
  if (operations == nullptr) return {fmt::format("{} is not described", path)};
  const json::Value* operation = json::find(*operations, to_lower_ascii(method));
  if (operation == nullptr) return {fmt::format("{} {} is not described", method, path)};
  Complaints found;
  for (const auto& [name, value] : net::parse_query(path.substr(std::min(question + 1, path.size())))) {
    if (!declares(*operation, name) && !declares(*operations, name))
      found.push_back("query " + name + " is not described");
  }
  const json::Value* described = json::find(*operation, "requestBody");
  if (described == nullptr) {
    if (!body.empty()) found.emplace_back("no body is described");
    return found;
  }
  if (body.empty()) {
    if (json::boolean(*described, "required").value_or(false)) found.emplace_back("a body is missing");
    return found;
  }
  const auto parsed = json::parse(body);
  if (!parsed) return {"the body is not JSON"};
  const json::Value* schema = json::find(*described, "content", "application/json", "schema");
  if (schema == nullptr) return {"no JSON body is described"};
  std::ranges::move(SchemaCheck(document_, true).check(*schema, *parsed, "body"), std::back_inserter(found));
  return found;
}

}  // namespace guildhall::contract
