#include "migrate/schema_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/crypto.h"
#include "migrate/schema_reading.h"

namespace guildhall::migrate {
namespace {

/// No text within can be taken for the end of another.
void add_field(std::string& line, std::string_view text) { line += fmt::format("{}:{}", text.size(), text); }

std::string line_of(const SchemaObject& object) {
  std::string line;
  add_field(line, object.kind);
  add_field(line, object.name);
  for (const auto& [name, value] : object.properties) {
    add_field(line, name);
    add_field(line, value);
  }
  return line + '\n';
}

std::string digest_of(const std::vector<SchemaObject>& objects) {
  std::vector<std::string> lines;
  lines.reserve(objects.size());
  for (const SchemaObject& object : objects) lines.push_back(line_of(object));
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line;
  return sha256(all);
}

/// Of all that PostgreSQL writes itself: how it is written hangs on these. The last ones are of the
/// statements that read it.
constexpr std::string_view kPlainSettings =
    "SELECT set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true), "
    "set_config('standard_conforming_strings', 'on', true), set_config('bytea_output', 'hex', true), "
    "set_config('DateStyle', 'ISO', true), set_config('IntervalStyle', 'postgres', true), "
    "set_config('TimeZone', 'UTC', true), set_config('extra_float_digits', '1', true), "
    "set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)";

auto key_of(const SchemaObject& object) { return std::tie(object.kind, object.name); }

/// On one line, whatever it holds.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else if (c != ' ' || line.empty() || line.back() != ' ') {
      line += c;
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

/// The parts that are not in both: what is shared cannot differ. Both are ordered by the parts' ids.
std::vector<const SchemaObject*> objects_beyond(const SchemaSnapshot& snapshot, const SchemaSnapshot& other) {
  std::vector<const SchemaObject*> objects;
  auto shared = other.parts().begin();
  for (const auto& part : snapshot.parts()) {
    while (shared != other.parts().end() && (*shared)->id < part->id) ++shared;
    if (shared != other.parts().end() && *shared == part) continue;
    for (const SchemaObject& object : part->objects) objects.push_back(&object);
  }
  std::ranges::sort(objects, {}, [](const SchemaObject* object) { return key_of(*object); });
  return objects;
}

}  // namespace

std::string_view SchemaObject::property(std::string_view wanted) const {
  const auto found = std::ranges::find(properties, wanted, &std::pair<std::string, std::string>::first);
  return found == properties.end() ? std::string_view() : std::string_view(found->second);
}

std::string SchemaObject::definition() const {
  std::string text;
  for (const auto& [what, value] : properties) {
    if (!text.empty()) text += ", ";
    text += what == "definition" ? value : value == "yes" ? what : fmt::format("{} {}", what, value);
  }
  return text;
}

std::string SchemaObject::title() const {
  if (kind == "trigger" || kind == "policy" || kind == "rule")
    return fmt::format("{} {} on {}", kind, own, of);
  return fmt::format("{} {}", kind, name);
}

SchemaPart::SchemaPart(std::string part_id, std::vector<SchemaObject> part_objects)
    : id(std::move(part_id)), objects(std::move(part_objects)), digest(digest_of(objects)) {}

SchemaSnapshot::SchemaSnapshot(std::vector<Part> parts) : parts_(std::move(parts)) {
  std::ranges::sort(parts_, {}, [](const Part& part) -> const std::string& { return part->id; });
}

std::string SchemaSnapshot::fingerprint() const {
  std::vector<std::string_view> digests;
  digests.reserve(parts_.size());
  for (const Part& part : parts_) {
    if (!part->objects.empty()) digests.push_back(part->digest);
  }
  std::ranges::sort(digests);
  std::string all;
  for (const std::string_view digest : digests) all += digest;
  return hex(sha256(all));
}

const SchemaPart* SchemaSnapshot::find(std::string_view id) const {
  const auto found =
      std::ranges::lower_bound(parts_, id, {}, [](const Part& part) -> std::string_view { return part->id; });
  return found != parts_.end() && (*found)->id == id ? found->get() : nullptr;
}

void SchemaSnapshot::replace(const std::vector<std::string>& ids, std::vector<Part> parts) {
  const std::set<std::string_view> gone(ids.begin(), ids.end());
  std::erase_if(parts_, [&](const Part& part) { return gone.contains(part->id); });
  const auto id = [](const Part& part) -> std::string_view { return part->id; };
  std::ranges::sort(parts, {}, id);
  std::vector<Part> merged;
  merged.reserve(parts_.size() + parts.size());
  std::ranges::merge(parts_, parts, std::back_inserter(merged), {}, id, id);
  parts_ = std::move(merged);
}

std::vector<const SchemaObject*> SchemaSnapshot::objects() const { return objects_beyond(*this, {}); }

SchemaReading::SchemaReading(store::SchemaSession& session, Dialect dialect)
    : session_(session), is_within_(session.in_transaction()), dialect_(dialect) {
  if (dialect == Dialect::postgres) {
    // A savepoint's end also takes back the settings that were made behind it.
    session_.later(is_within_ ? "SAVEPOINT guildhall_reading"
                              : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    session_.later(std::string(kPlainSettings));
  } else if (!is_within_) {
    session_.execute("BEGIN");
  }
}

SchemaReading::~SchemaReading() {
  try {
    if (!is_within_) {
      session_.execute("ROLLBACK");
    } else if (dialect_ == Dialect::postgres) {
      session_.later("ROLLBACK TO SAVEPOINT guildhall_reading");
      session_.later("RELEASE SAVEPOINT guildhall_reading");
    }
  } catch (const store::DatabaseError&) {
    // The connection is gone: whoever uses it next is told.
  }
}

namespace {

/// What store/sqlite and tenancy add to the tables that Guildhall's migrations make.
bool is_of_seal(const SchemaObject& object) {
  constexpr std::string_view kPin = "CHECK (discord_server_id = ";
  const bool is_pin = object.own.starts_with(kPin) &&
                      object.own.find_first_not_of("- 0123456789", kPin.size()) == object.own.size() - 1;
  const std::string_view table = object.of.empty() ? object.name : object.of;
  return object.kind == "policy" || object.own == "\"file_server\"" || is_pin ||
         table == "\"server_marker\"" || table == "\"server_files\"";
}

}  // namespace

void leave_out(std::vector<SchemaObject>& objects, const SnapshotOptions& options) {
  if (options.seal) return;
  std::erase_if(objects, is_of_seal);
  for (SchemaObject& object : objects)
    std::erase_if(object.properties, [](const auto& property) { return property.first == "row security"; });
}

SchemaSnapshot read_snapshot(store::SchemaSession& session, Dialect dialect, const SnapshotOptions& options) {
  const SchemaReading reading(session, dialect);
  return dialect == Dialect::postgres ? read_postgres(session, options) : read_sqlite(session, options);
}

std::string SchemaDifference::text() const {
  switch (kind) {
    case Kind::missing: return fmt::format("missing {}: {}", from.title(), one_line(from.definition()));
    case Kind::added: return fmt::format("added {}: {}", to.title(), one_line(to.definition()));
    case Kind::changed: break;
  }
  return fmt::format("changed {}: {} -> {}", to.title(), one_line(from.definition()),
                     one_line(to.definition()));
}

std::vector<SchemaDifference> differences(const SchemaSnapshot& from, const SchemaSnapshot& to) {
  using Kind = SchemaDifference::Kind;
  const auto before = objects_beyond(from, to);
  const auto after = objects_beyond(to, from);
  std::vector<SchemaDifference> found;
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && key_of(**b) < key_of(**a))) {
      found.push_back({Kind::missing, **b++, {}});
    } else if (b == before.end() || key_of(**a) < key_of(**b)) {
      found.push_back({Kind::added, {}, **a++});
    } else {
      if (!(*b)->same_definition(**a)) found.push_back({Kind::changed, **b, **a});
      ++b, ++a;
    }
  }
  return found;
}

}  // namespace guildhall::migrate
