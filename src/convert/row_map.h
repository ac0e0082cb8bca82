// Which server's the rows are, as an operator says it in a file: CSV (RFC 4180) in UTF-8, a row of the
// database on each line.
//
//   table,key,server,reason
//   user_points,alice,1100000000000000001,
//   clips,*,1100000000000000002,the second server began the clips
//
// `key` is what the row has in the columns by which a map knows that table (attribution.h); of several
// columns a JSON list of texts, ["a","b"]. A * that is not in quotes stands for every row of the table that
// no other line names. The reason is for people. A first line that says "table,key,server" is passed over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/outcome.h"

namespace guildhall::convert {

struct MapLine {
  std::string table;
  std::string key;      // as the file has it
  bool is_all = false;  // every other row of the table
  std::int64_t server = 0;
  std::size_t line = 0;  // from 1
};

struct RowMap {
  std::string file;  // for messages
  std::string hash;  // of its content
  std::vector<MapLine> lines = {};
};

/// Problem `usage` names file and line: too few or many fields, a server that is none, a row twice.
migrate::Outcome<RowMap> parse_row_map(std::string_view content, const std::string& file);
/// The same of a file. Problem `usage` also where it cannot be read.
migrate::Outcome<RowMap> read_row_map(const std::string& file);

/// A line of such a file with its end; "" where nobody knows the server yet.
std::string map_line(std::string_view table, const std::vector<std::string>& key, std::string_view server,
                     std::string_view reason);
/// The values that a line's key has for so many columns; empty where it is no such list.
std::vector<std::string> key_values(const std::string& key, std::size_t columns);

}  // namespace guildhall::convert
