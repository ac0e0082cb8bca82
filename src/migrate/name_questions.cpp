#include "migrate/name_questions.h"

#include <fmt/format.h>

#include "migrate/text_array.h"

namespace guildhall::migrate {

void NameQuestions::answer_all() {
  std::map<std::string_view, std::vector<Question>> by_kind;
  for (const auto& [question, answer] : answers_) by_kind[question.sql].push_back(question);
  for (const auto& [sql, questions] : by_kind) answer(questions);
}

/// `questions`: of one kind.
void NameQuestions::answer(const std::vector<Question>& questions) {
  const std::string_view sql = questions.front().sql;
  std::vector<std::string> names;
  std::vector<std::string> privileges;
  for (const Question& one : questions) {
    names.push_back(one.name);
    privileges.push_back(one.privilege);
  }
  const auto rows =
      looking_.ask(fmt::format("SELECT n.name, n.privilege, answer.* FROM unnest($1::text[], $2::text[]) AS "
                               "n(name, privilege) CROSS JOIN LATERAL ({}) AS answer",
                               sql),
                   {text_array(names), text_array(privileges)});
  if (rows) {
    for (const auto& row : *rows) answers_[{sql, row[0], row[1]}] = Row(row.begin() + 2, row.end());
  } else if (questions.size() == 1) {
    answers_[questions.front()] = std::unexpected(rows.error());
  } else {
    for (const Question& one : questions) answer({one});
  }
}

}  // namespace guildhall::migrate
