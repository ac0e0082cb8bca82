#include "store/postgres/libpq.h"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

#include "base/log.h"
#include "base/text.h"

namespace guildhall::store::postgres {
namespace {

// From the server's pg_type.dat.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kByteaArray = 1001;
constexpr Oid kTextArray = 1009;
constexpr Oid kInt8Array = 1016;

/// libpq ends its messages with a line feed, and puts the server's LINE and HINT below.
std::string one_line(std::string_view message) {
  std::string line(trim(message));
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

/// libpq quotes what it cannot read, and that may be a piece of the password: it is not asked to.
void check_address(const std::string& url) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  bool readable = options != nullptr;
  for (const auto* option = options.get(); readable && option->keyword != nullptr; ++option) {
    const std::string_view value = option->val == nullptr ? "" : option->val;
    if (std::string_view(option->keyword) == "port")
      readable = value.find_first_not_of("0123456789,") == std::string_view::npos;
  }
  if (readable) return;
  throw DatabaseError(
      DbCode::unreachable, "",
      "the address cannot be read; in a user's name and password '%' is written as %25, '/' as "
      "%2F, '@' as %40 and '?' as %3F");
}

void log_notice(void*, const char* notice) {
  log::debug("PostgreSQL says", {log::field("notice", one_line(notice))});
}

}  // namespace

ConnectionPtr connect(const std::string& url, const std::string& settings) {
  check_address(url);
  // What stands before the address can be set in it. A server that is gone without a word is noticed.
  const char* const keywords[] = {
      "keepalives_idle",  "keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
      "application_name", "client_encoding",     "connect_timeout",  "options",          nullptr};
  const char* const values[] = {"10",        "5",    "3",  "30000",          url.c_str(),
                                "guildhall", "UTF8", "10", settings.c_str(), nullptr};
  const ConnectionPtr connection(PQconnectdbParams(keywords, values, 1), PQfinish);
  if (connection == nullptr) throw std::bad_alloc();
  if (PQstatus(connection.get()) != CONNECTION_OK) throw connection_error(connection.get(), "cannot connect");
  PQsetNoticeProcessor(connection.get(), log_notice, nullptr);
  return connection;
}

DbCode code_of(std::string_view sqlstate) {
  if (sqlstate == "23505") return DbCode::unique;
  if (sqlstate == "23514") return DbCode::check;
  if (sqlstate == "23503") return DbCode::foreign_key;
  if (sqlstate == "23502") return DbCode::not_null;
  if (sqlstate == "40001") return DbCode::serialisation;
  if (sqlstate == "40P01") return DbCode::deadlock;
  if (sqlstate == "55P03") return DbCode::busy;       // lock not available
  if (sqlstate == "57014") return DbCode::timed_out;  // canceled, by statement_timeout
  if (sqlstate == "42501") return DbCode::sealed;     // no right, or a row that the policy refuses
  if (sqlstate == "25006") return DbCode::read_only;
  if (sqlstate == "53100") return DbCode::full;
  if (sqlstate == "53300" || sqlstate == "53400") return DbCode::busy;
  // 25P03: it was idle in a transaction for too long.
  if (sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25P03")
    return DbCode::connection_lost;
  if (sqlstate.starts_with("XX")) return DbCode::corrupt;
  return DbCode::other;
}

namespace {

/// The policies read the scope as a number. One that was never set is unknown; one that ended with its
/// transaction is an empty text, which is no number.
bool is_missing_scope(std::string_view sqlstate, std::string_view message) {
  return (sqlstate == "42704" && message.find("guildhall.server_id") != std::string_view::npos) ||
         (sqlstate == "22P02" && message.find("bigint") != std::string_view::npos &&
          message.ends_with(": \"\""));
}

}  // namespace

namespace {

/// The server counts characters, from 1.
std::size_t byte_of_character(std::string_view text, std::size_t number) {
  std::size_t byte = 0;
  for (std::size_t seen = 1; byte < text.size() && seen < number; ++seen) {
    ++byte;
    while (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80) ++byte;
  }
  return byte;
}

}  // namespace

DatabaseError error_of(const PGresult* result, std::string_view doing) {
  const char* field = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string sqlstate = field == nullptr ? "" : field;
  const std::string message = primary == nullptr ? one_line(PQresultErrorMessage(result)) : primary;
  DbCode code = sqlstate.empty() ? DbCode::connection_lost : code_of(sqlstate);
  if (is_missing_scope(sqlstate, message)) code = DbCode::no_scope;
  return {code, sqlstate, fmt::format("{}: {}", doing, message)};
}

StatementError statement_error(const PGresult* result, std::string_view statement) {
  const auto field = [result](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string(text == nullptr ? "" : text);
  };
  const DatabaseError error = error_of(result, "executing");
  StatementError::Account account;
  account.message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (account.message.empty()) account.message = one_line(PQresultErrorMessage(result));
  account.detail = field(PG_DIAG_MESSAGE_DETAIL);
  account.hint = field(PG_DIAG_MESSAGE_HINT);
  if (const std::string position = field(PG_DIAG_STATEMENT_POSITION); !position.empty())
    account.position = byte_of_character(statement, std::stoul(position));
  return {error.code(), error.sqlstate(), std::move(account)};
}

DatabaseError connection_error(const PGconn* connection, std::string_view doing) {
  return {DbCode::connection_lost, "", fmt::format("{}: {}", doing, one_line(PQerrorMessage(connection)))};
}

Oid oid_of(ValueType type) {
  switch (type) {
    case ValueType::integer: return kInt8;
    case ValueType::text: return kText;
    case ValueType::blob: return kBytea;
  }
  return 0;
}

Oid array_oid_of(ValueType type) {
  switch (type) {
    case ValueType::integer: return kInt8Array;
    case ValueType::text: return kTextArray;
    case ValueType::blob: return kByteaArray;
  }
  return 0;
}

void Parameters::reserve(std::size_t count) {
  numbers_.reserve(count);
  pointers_.reserve(count);
  lengths_.reserve(count);
  formats_.reserve(count);
}

void Parameters::add(const Value& value) {
  const char* pointer = nullptr;
  std::size_t length = 0;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    auto& bytes = numbers_.emplace_back();
    auto rest = static_cast<std::uint64_t>(*number);
    for (int i = 7; i >= 0; --i, rest >>= 8)
      bytes[static_cast<std::size_t>(i)] = static_cast<char>(rest & 0xFF);
    pointer = bytes.data();
    length = bytes.size();
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    pointer = text->data();
    length = text->size();
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    pointer = blob->bytes.data();
    length = blob->bytes.size();
  }
  pointers_.push_back(pointer);
  lengths_.push_back(static_cast<int>(length));
  formats_.push_back(1);
}

std::string_view RowCells::bytes(int column) const {
  return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
}

namespace {

bool is_whole_number(Oid type) { return type == kBool || type == kInt2 || type == kInt4 || type == kInt8; }

}  // namespace

std::string_view RowCells::text(int column) const {
  if (!is_whole_number(PQftype(result_, column)) || is_null(column)) return bytes(column);
  return shown_.emplace_back(std::to_string(integer(column)));
}

std::int64_t RowCells::integer(int column) const {
  if (is_null(column)) return 0;
  const std::string_view field = bytes(column);
  if (!is_whole_number(PQftype(result_, column)))
    throw std::logic_error(fmt::format("column '{}' is no whole number", PQfname(result_, column)));
  // Big-endian; the sign is the first bit of the first byte.
  std::int64_t number = static_cast<signed char>(field.front());
  for (const char c : field.substr(1)) number = (number << 8) | static_cast<unsigned char>(c);
  return number;
}

Value RowCells::value(int column) const {
  if (is_null(column)) return {};
  switch (PQftype(result_, column)) {
    case kText: return std::string(text(column));
    case kBytea: return Blob{std::string(bytes(column))};
    default: return integer(column);
  }
}

}  // namespace guildhall::store::postgres
