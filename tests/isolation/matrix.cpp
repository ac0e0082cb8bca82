#include "tests/isolation/matrix.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

std::vector<MatrixLine>& lines() {
  static std::vector<MatrixLine> all;
  return all;
}

const char* layout_name() {
  switch (tested_layout()) {
    case store::Layout::sqlite: return "One SQLite file";
    case store::Layout::sqlite_per_server: return "A SQLite file per server";
    case store::Layout::postgres: return "PostgreSQL";
  }
  return "";
}

}  // namespace

void write_to_matrix(MatrixLine line) { lines().push_back(std::move(line)); }

std::string matrix_page() {
  std::string page = fmt::format(
      "# Mutations: {}\n\n"
      "Each protection taken away in turn, and what then stops it. Written by the run (`mutation_tests`), "
      "which fails when this page says something else.\n\n"
      "- *held*: nothing stops it and no row passes, since a layer further in holds; the next line takes "
      "that away.\n"
      "- *isolation proof*, *non-interference*: nothing stops it, and the oracle sees it "
      "(`guildhall doctor isolation`; random work of several servers against each alone).\n\n"
      "| taken away | and with it | caught by | test |\n| --- | --- | --- | --- |\n",
      layout_name());
  for (const MatrixLine& line : lines())
    page += fmt::format("| {} | {} | {} | `{}` |\n", line.mutation, line.besides, line.caught, line.test);
  return page;
}

std::string this_test() {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  return fmt::format("{}.{}", info->test_suite_name(), info->name());
}

}  // namespace guildhall::test
