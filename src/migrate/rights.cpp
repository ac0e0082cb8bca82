#include "migrate/rights.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "migrate/name_questions.h"

namespace guildhall::migrate {
namespace {

constexpr std::string_view kCode = "P-RIGHT";
constexpr std::string_view kPermissionDenied = "42501";

bool is_any_of(std::string_view tag, std::initializer_list<std::string_view> tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

/// "ALTER MATERIALIZED VIEW" -> "materialized view"
std::string kind_of(const StatementReading& reading) {
  return to_lower_ascii(std::string_view(reading.tag).substr(reading.tag.find(' ') + 1));
}

bool is_relation(std::string_view kind) {
  return is_any_of(kind, {"table", "view", "materialized view", "sequence", "index", "foreign table"});
}

/// From then on it is another role, or names mean other things: this session cannot ask for that.
bool changes_meaning(const StatementReading& reading) {
  const auto is_meaning = [](const Token& token) {
    return is_keyword(token, "role") || is_keyword(token, "authorization") || is_keyword(token, "schema") ||
           is_keyword(token, "search_path") || token.text == "'search_path'" || token.text == "'role'";
  };
  return is_any_of(reading.tag, {"SET", "RESET", "SELECT"}) &&
         std::ranges::any_of(reading.statement.tokens, is_meaning);
}

/// The table of COMMENT ON TABLE name, COMMENT ON COLUMN name.column; "" of other comments.
std::string commented_table(const StatementReading& reading) {
  const auto& tokens = reading.statement.tokens;
  if (reading.tag != "COMMENT" || tokens.size() < 5) return "";
  const bool of_column = is_keyword(tokens[2], "column");
  if (!of_column && !is_keyword(tokens[2], "table")) return "";
  std::string name;
  for (std::size_t i = 3; i < tokens.size() && !is_keyword(tokens[i], "is"); ++i)
    name += std::string(tokens[i].text);
  return of_column ? name.substr(0, name.rfind('.')) : name;
}

/// "INSERT", where it is one statement on one table.
std::string written_privilege(const StatementReading& reading) {
  if (reading.tag == "TRUNCATE") return "TRUNCATE";
  if (reading.writes.size() != 1) return "";
  if (is_any_of(reading.tag, {"INSERT", "UPDATE", "DELETE"})) return reading.tag;
  return reading.tag == "COPY" ? "INSERT" : "";
}

// Of names, as NameQuestions asks them.

// Of an owner: who it is, whether the role may act as that, whether it is a member, and whether the schema is
// its own: who owns the schema may drop what is in it.

constexpr std::string_view kRelationOwner =
    "SELECT pg_get_userbyid(o.relowner), pg_has_role(o.relowner, 'USAGE'), pg_has_role(o.relowner, "
    "'MEMBER'), pg_has_role(s.nspowner, 'USAGE') FROM pg_class o JOIN pg_namespace s ON s.oid = "
    "o.relnamespace WHERE o.oid = to_regclass(n.name)";

constexpr std::string_view kTypeOwner =
    "SELECT pg_get_userbyid(o.typowner), pg_has_role(o.typowner, 'USAGE'), pg_has_role(o.typowner, "
    "'MEMBER'), pg_has_role(s.nspowner, 'USAGE') FROM pg_type o JOIN pg_namespace s ON s.oid = "
    "o.typnamespace WHERE o.oid = to_regtype(n.name)";

/// Of several with one name it is not told which.
constexpr std::string_view kFunctionOwner =
    "SELECT pg_get_userbyid(o.proowner), pg_has_role(o.proowner, 'USAGE'), pg_has_role(o.proowner, "
    "'MEMBER'), pg_has_role(s.nspowner, 'USAGE') FROM pg_proc o JOIN pg_namespace s ON s.oid = "
    "o.pronamespace WHERE o.oid = to_regproc(n.name)";

constexpr std::string_view kSchemaOwner =
    "SELECT pg_get_userbyid(nspowner), pg_has_role(nspowner, 'USAGE'), pg_has_role(nspowner, 'MEMBER'), "
    "false FROM pg_namespace WHERE oid = to_regnamespace(n.name)";

constexpr std::string_view kTablePrivilege =
    "SELECT has_table_privilege(oid, n.privilege) OR CASE WHEN n.privilege IN ('INSERT', 'UPDATE', "
    "'REFERENCES') THEN has_any_column_privilege(oid, n.privilege) ELSE false END FROM pg_class WHERE oid = "
    "to_regclass(n.name)";

constexpr std::string_view kRoomInSchema =
    "SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE oid = to_regnamespace(n.name)";

constexpr std::string_view kRoomBesideTable =
    "SELECT has_schema_privilege(s.oid, 'CREATE'), quote_ident(s.nspname) FROM pg_class c JOIN pg_namespace "
    "s ON s.oid = c.relnamespace WHERE c.oid = to_regclass(n.name)";

constexpr std::string_view kMembership =
    "SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = n.name";

/// Not installed, and whether it takes a superuser to do that.
constexpr std::string_view kExtension =
    "SELECT v.superuser AND NOT v.trusted FROM pg_available_extensions e JOIN "
    "pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version WHERE e.name = "
    "n.name AND e.installed_version IS NULL";

std::string_view owner_question(std::string_view kind) {
  if (is_relation(kind)) return kRelationOwner;
  if (kind == "type" || kind == "domain") return kTypeOwner;
  if (kind == "function" || kind == "procedure") return kFunctionOwner;
  return kind == "schema" ? kSchemaOwner : "";
}

/// Of the session.
struct Role {
  std::string name;
  bool is_superuser = false;
  bool may_make_roles = false;
  bool may_make_databases = false;
  bool may_make_schemas = false;
  std::string database;
  std::string schema;  // in which what has no schema of its own is made
  // Where what is done is written down.
  bool has_journal_schema = false;
  bool may_write_journal = false;  // or there is none yet
};

Role read_role(store::SchemaSession& session) {
  const auto row =
      session
          .query(
              "SELECT current_user, rolsuper, rolcreaterole, rolcreatedb, "
              "has_database_privilege(current_database(), 'CREATE'), current_database(), "
              "coalesce(quote_ident(current_schema()), ''), to_regnamespace('guildhall') IS NOT NULL, "
              "coalesce((SELECT has_table_privilege(oid, 'INSERT') FROM pg_class WHERE relname = "
              "'migration_journal' AND relnamespace = to_regnamespace('guildhall')::oid), true) FROM "
              "pg_roles WHERE rolname = current_user")
          .at(0);
  const auto is = [&](std::size_t i) { return row.at(i) == "t"; };
  return {row[0], is(1), is(2), is(3), is(4), row[5], row[6], is(7), is(8)};
}

using Scripts = std::vector<std::vector<StatementReading>>;

class RightsAsker {
 public:
  RightsAsker(const Role& role, const TableFacts& facts, NameQuestions& questions)
      : role_(role), questions_(questions), trace_(facts, Dialect::postgres) {}

  std::vector<PrecheckFinding> run(std::span<const Pending> pending, const Scripts& scripts) {
    check_journal();
    for (std::size_t i = 0; i < pending.size(); ++i) {
      pending_ = &pending[i];
      for (const StatementReading& reading : scripts[i]) {
        if (changes_meaning(reading)) return std::move(findings_);
        for (const StatementReading& inner : reading.inner) take(inner);
        take(reading);
      }
    }
    return std::move(findings_);
  }

 private:
  void take(const StatementReading& reading) {
    reading_ = &reading;
    if (!reading.conditional) check();
    trace_.take(reading);
  }

  bool is_ours(const std::string& name) const { return trace_.makes_table(name) || trace_.makes(name); }

  void report(const std::string& right, std::string hint) {
    if (std::ranges::any_of(findings_, [&](const auto& one) { return one.finding.text == right; })) return;
    PrecheckFinding found;
    found.finding = {std::string(kCode), Level::error, "", 0, right, std::move(hint)};
    if (pending_ != nullptr) {
      found.finding.name = pending_->script().file;
      found.finding.line = reading_->line();
      found.migration = pending_->name();
      found.table = reading_->table;
    }
    findings_.push_back(std::move(found));
  }
  void report_owner(const std::string& what, const std::string& owner, bool is_member) {
    report(fmt::format("must be owner of {}", what),
           is_member
               ? fmt::format("It belongs to {0}, and {1} is a member of that: SET ROLE {0} first.", owner,
                             role_.name)
               : fmt::format("It belongs to {0}: use that login, or as an administrator GRANT {0} TO {1}",
                             owner, role_.name));
  }
  void report_privilege(const std::string& privilege, const std::string& on) {
    report(fmt::format("permission denied for {}: {} is needed", to_lower_ascii(on), privilege),
           fmt::format("As its owner: GRANT {} ON {} TO {}", privilege, on, role_.name));
  }

  /// Nothing where it is not there. What cannot even be looked up for want of a right is said.
  std::optional<NameQuestions::Row> ask(const NameQuestions::Question& question) {
    const auto& answer = questions_.ask(question);
    if (answer) return *answer;
    if (answer.error().sqlstate == kPermissionDenied)
      report(answer.error().message, fmt::format("GRANT {} that right.", role_.name));
    return std::nullopt;
  }

  // --- ownership

  void need_ownership(const std::string& kind, const std::string& name) {
    const std::string_view question = owner_question(kind);
    if (question.empty() || name.empty() || is_ours(name)) return;
    const bool drops = reading_->tag.starts_with("DROP ");
    const auto row = ask({question, name});
    if (!row || row->at(1) == "t" || (drops && row->at(3) == "t")) return;
    report_owner(fmt::format("{} {}", kind, name), row->at(0), row->at(2) == "t");
  }
  void need_own_table(const std::string& table) { need_ownership("table", table); }

  // --- privileges

  void need_privilege(const std::string& privilege, const std::string& table) {
    if (table.empty() || is_ours(table)) return;
    const auto row = ask({kTablePrivilege, table, privilege});
    if (row && row->at(0) != "t") report_privilege(privilege, fmt::format("TABLE {}", table));
  }

  /// Where something of this name is made.
  void need_room(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    const std::string schema = dot == std::string::npos ? role_.schema : name.substr(0, dot);
    if (dot == std::string::npos && schema.empty()) {
      return report("no schema has been selected to create in",
                    fmt::format("None of the search_path is there, or {} may not use it.", role_.name));
    }
    need_room_in(schema);
  }
  void need_room_in(const std::string& schema) {
    if (trace_.makes(schema)) return;
    const auto row = ask({kRoomInSchema, schema});
    if (row && row->at(0) != "t") report_privilege("CREATE", fmt::format("SCHEMA {}", schema));
  }
  void need_room_beside(const std::string& table) {
    if (table.empty() || is_ours(table)) return;
    const auto row = ask({kRoomBesideTable, table});
    if (row && row->at(0) != "t") report_privilege("CREATE", fmt::format("SCHEMA {}", row->at(1)));
  }
  void need_database() {
    if (!role_.may_make_schemas) report_privilege("CREATE", fmt::format("DATABASE {}", role_.database));
  }

  void need_membership(const std::string& role) {
    const auto row = ask({kMembership, name_key(role, Dialect::postgres)});
    if (row && row->at(0) != "t") {
      report(fmt::format("must be member of role {}", role),
             fmt::format("As an administrator: GRANT {} TO {}", role, role_.name));
    }
  }

  void check_journal() {
    if (!role_.has_journal_schema) need_database();
    if (!role_.may_write_journal) report_privilege("INSERT", "TABLE guildhall.migration_journal");
  }

  // --- statements

  void check() {
    const std::string& tag = reading_->tag;
    if (tag.starts_with("CREATE ")) check_creation();
    if (tag.starts_with("ALTER ")) {
      need_ownership(kind_of(*reading_), reading_->object);
      if (tag != "ALTER DEFAULT PRIVILEGES") {
        for (const std::string& role : reading_->roles) need_membership(role);
      }
    }
    if (tag.starts_with("DROP ")) {
      for (const std::string& name : reading_->names) need_ownership(kind_of(*reading_), name);
    }
    if (is_any_of(tag, {"CREATE POLICY", "ALTER POLICY", "DROP POLICY", "CREATE RULE", "DROP RULE",
                        "ALTER TRIGGER", "DROP TRIGGER"}))
      need_own_table(reading_->table);
    if (is_any_of(tag, {"CREATE ROLE", "DROP ROLE"}) && !role_.may_make_roles) {
      report("permission denied to change roles: CREATEROLE is needed",
             fmt::format("As an administrator: ALTER ROLE {} CREATEROLE", role_.name));
    }
    need_own_table(commented_table(*reading_));
    const std::string privilege = written_privilege(*reading_);
    if (!privilege.empty()) {
      for (const std::string& table : reading_->writes) need_privilege(privilege, table);
    }
    check_references(reading_->constraints);
    for (const ColumnDefinition& column : reading_->columns) check_references(column.constraints);
    for (const TableAction& action : reading_->actions) {
      if (action.constraint) check_references({*action.constraint});
      if (action.column) check_references(action.column->constraints);
    }
  }

  void check_references(const std::vector<Constraint>& constraints) {
    for (const Constraint& one : constraints) {
      if (one.kind == ConstraintKind::foreign_key) need_privilege("REFERENCES", one.referenced);
    }
  }

  void check_creation() {
    const std::string& tag = reading_->tag;
    if (tag == "CREATE INDEX") {
      need_own_table(reading_->table);
      return need_room_beside(reading_->table);
    }
    if (tag == "CREATE TRIGGER") return need_privilege("TRIGGER", reading_->table);
    if (tag == "CREATE SCHEMA") {
      need_database();
      for (const std::string& role : reading_->roles) need_membership(role);
      return;
    }
    if (tag == "CREATE EXTENSION") return check_extension();
    if (tag == "CREATE DATABASE" && !role_.may_make_databases) {
      return report("permission denied to create database: CREATEDB is needed",
                    fmt::format("As an administrator: ALTER ROLE {} CREATEDB", role_.name));
    }
    const bool in_schema = is_any_of(
        tag, {"CREATE TABLE", "CREATE TABLE AS", "CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE SEQUENCE",
              "CREATE FUNCTION", "CREATE PROCEDURE", "CREATE TYPE", "CREATE DOMAIN", "CREATE AGGREGATE"});
    if (!in_schema || reading_->temporary) return;
    if (reading_->replaces) need_ownership(kind_of(*reading_), reading_->object);
    need_room(reading_->object);
  }

  void check_extension() {
    const auto row = ask({kExtension, name_key(reading_->object, Dialect::postgres)});
    if (!row) return;
    if (row->at(0) != "t") return need_database();
    report(fmt::format("must be superuser to create extension {}", reading_->object),
           fmt::format("As an administrator, in this database: CREATE EXTENSION {}", reading_->object));
  }

  const Role& role_;
  NameQuestions& questions_;
  RunTrace trace_;
  const Pending* pending_ = nullptr;
  const StatementReading* reading_ = nullptr;
  std::vector<PrecheckFinding> findings_;
};

}  // namespace

std::vector<PrecheckFinding> find_missing_rights(Looking& looking, std::span<const Pending> pending,
                                                 const TableFacts& facts) {
  if (looking.dialect() == Dialect::sqlite) return {};
  const Role role = read_role(looking.session());
  if (role.is_superuser) return {};
  Scripts scripts;
  for (const Pending& one : pending) scripts.push_back(read_pending(one, Dialect::postgres));
  NameQuestions questions(looking);
  RightsAsker(role, facts, questions).run(pending, scripts);
  questions.answer_all();
  return RightsAsker(role, facts, questions).run(pending, scripts);
}

Outcome<void> refuse_missing_rights(const std::vector<PrecheckFinding>& findings) {
  const auto is_right = [](const PrecheckFinding& one) { return one.finding.code == kCode; };
  const auto first = std::ranges::find_if(findings, is_right);
  if (first == findings.end()) return {};
  const auto more = std::ranges::count_if(findings, is_right) - 1;
  Problem problem{Exit::no_permission, first->finding};
  problem.finding.code = "MG-PERMISSION";
  if (first->finding.line > 0) problem.place.file = first->finding.name;
  if (more > 0) problem.finding.text += fmt::format(" (and {} more)", more);
  return std::unexpected(std::move(problem));
}

}  // namespace guildhall::migrate
