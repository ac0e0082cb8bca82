// Questions of a live database about names, all names of a kind of question in one round trip. Whoever asks
// goes through its work twice: the first time every question is noted and nothing of what is named is there;
// then all are answered, and the second time each has its answer. What is asked may so not hang on answers.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/looking.h"

namespace guildhall::migrate {

class NameQuestions {
 public:
  using Row = std::vector<std::string>;
  /// Nothing where there is none of that name.
  using Answer = std::expected<std::optional<Row>, Unanswered>;

  /// `sql`: a constant; PostgreSQL's SELECT of at most one row about n.name, and n.privilege where that
  /// matters, both of type text.
  struct Question {
    std::string_view sql;
    std::string name;
    std::string privilege = {};

    auto operator<=>(const Question&) const = default;
  };

  explicit NameQuestions(Looking& looking) : looking_(looking) {}

  const Answer& ask(const Question& question) { return answers_[question]; }
  /// Of what was asked so far. A name that cannot be looked up spoils no other's answer. Throws DatabaseError
  /// only when the connection is gone.
  void answer_all();

 private:
  void answer(const std::vector<Question>& questions);

  Looking& looking_;
  std::map<Question, Answer> answers_;
};

}  // namespace guildhall::migrate
