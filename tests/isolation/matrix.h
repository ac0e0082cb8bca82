// The mutation matrix: what was taken away, which layer caught it, and which test shows that. The tests
// write it line by line; docs/internals/mutations/ has it as a page for each layout, which the last test
// compares with what the run found.
#pragma once

#include <string>

namespace guildhall::test {

struct MatrixLine {
  std::string mutation;
  std::string besides;  // what was taken away besides
  std::string caught;   // the layer that caught it; "held" when a layer further in let no row through
  std::string test;     // that fails because of it, or shows it
};

void write_to_matrix(MatrixLine line);

/// The page of the layout under test, of all lines so far.
std::string matrix_page();

/// "Walls.AScopeThatIsSwapped": the test that runs.
std::string this_test();

}  // namespace guildhall::test
