#include "migrate/schema_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

namespace guildhall::migrate {
namespace {

using Order = std::vector<const Migration*>;

/// More than this many are not tried as the odd one.
constexpr std::size_t kMostTried = 20;

bool is_about_rights(const SqlStatement& statement) {
  const std::string tag = command_tag(statement);
  return tag == "GRANT" || tag == "REVOKE";
}

bool is_table(const SchemaObject& object) { return object.kind == "table"; }

/// Is it what a tool that compares a model with a schema does not look at?
bool is_unknown_to_models(const SchemaObject& object) {
  if (object.kind == "constraint") return object.definition().find("CHECK") != std::string::npos;
  return object.kind == "trigger" || object.kind == "function" || object.kind == "procedure" ||
         object.kind == "aggregate" || object.kind == "rule" || object.kind == "statistics" ||
         object.kind == "domain constraint";
}

/// Is it but the comment that is another?
bool differs_in_comment_alone(const SchemaDifference& difference) {
  auto from = difference.from.properties;
  auto to = difference.to.properties;
  const auto is_comment = [](const auto& property) { return property.first == "comment"; };
  std::erase_if(from, is_comment);
  std::erase_if(to, is_comment);
  return from == to;
}

bool looks_pushed(const SchemaSnapshot& nearest, const SchemaSnapshot& live) {
  bool has_more = false;
  bool has_less = false;
  for (const SchemaDifference& one : differences(nearest, live)) {
    using Kind = SchemaDifference::Kind;
    if (one.kind == Kind::added) {
      has_more = true;
      continue;
    }
    has_less = true;
    const bool is_expected =
        one.kind == Kind::missing ? is_unknown_to_models(one.from) : differs_in_comment_alone(one);
    if (!is_expected) return false;
  }
  return has_more && has_less;
}

class Matching {
 public:
  Matching(const Target& target, const MigrationSet& set, const SchemaSnapshot& live,
           const std::string& scratch_url)
      : target_(target), scratch_url_(scratch_url), live_(live), wanted_(live.fingerprint()) {
    for (const Migration& one : set.migrations) all_.push_back(&one);
    for (const SchemaObject* object : live_.objects()) definitions_[object->title()] = object;
  }

  Outcome<SchemaMatch> run() {
    if (auto tried = try_in_order(); !tried) return std::unexpected(tried.error());
    for (const Migration* odd : suspects()) {
      if (found_) break;
      if (auto tried = try_without(*odd); !tried) return std::unexpected(tried.error());
    }
    if (found_) return *std::move(found_);
    return closest();
  }

 private:
  /// A set of files that was tried, and what came of it.
  struct Tried {
    Order order;
    SchemaSnapshot schema;
    std::size_t differences = 0;
    const Migration* odd = nullptr;  // that is not in it, and has a lower number than the last
  };

  SchemaMatch closest() const {
    SchemaMatch match;
    for (std::size_t length = built_.size(); length > 0; --length) {
      if (!looks_pushed(built_[length - 1], live_)) continue;
      match.past = Past::pushed;
      match.order.assign(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(length));
      match.differences = difference_lines(built_[length - 1], live_);
      return match;
    }
    match.order = nearest_.order;
    match.odd = nearest_.odd;
    match.differences = difference_lines(nearest_.schema, live_);
    return match;
  }

  void note(Order order, const SchemaSnapshot& schema, const Migration* odd = nullptr) {
    const std::size_t count = difference_lines(schema, live_).size();
    if (nearest_known_ && count > nearest_.differences) return;
    // Of two that are equally near the first is meant, but of one order the longer part.
    const bool goes_on = nearest_known_ && nearest_.order.size() < order.size() &&
                         std::ranges::equal(nearest_.order, std::span(order).first(nearest_.order.size()));
    if (nearest_known_ && count == nearest_.differences && !goes_on) return;
    nearest_ = {std::move(order), schema, count, odd};
    nearest_known_ = true;
  }

  Outcome<void> try_in_order() {
    auto trial = TrialDatabase::make(target_, scratch_url_);
    if (!trial) return std::unexpected(trial.error());
    SchemaSnapshot before = trial->schema();
    note({}, before);
    std::size_t length = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!trial->apply(*all_[i]).empty()) {
        absent_[all_[i]] = 1.0;
        break;
      }
      SchemaSnapshot after = trial->schema();
      if (after.fingerprint() == wanted_) length = i + 1;
      absent_[all_[i]] = share_that_is_absent(before, after);
      note(Order(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(i) + 1), after);
      built_.push_back(after);
      before = std::move(after);
    }
    if (length == 0) return {};
    found_.emplace();
    found_->past = Past::in_order;
    found_->order.assign(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(length));
    return {};
  }

  /// How much of what a file did is not in the live schema: 0 to 1.
  double share_that_is_absent(const SchemaSnapshot& before, const SchemaSnapshot& after) const {
    std::size_t all = 0;
    std::size_t absent = 0;
    for (const SchemaDifference& one : differences(before, after)) {
      ++all;
      const auto there = definitions_.find(one.object().title());
      const bool is_there = there != definitions_.end();
      const bool is_done = one.kind == SchemaDifference::Kind::missing
                               ? !is_there
                               : is_there && there->second->same_definition(one.to);
      if (!is_done) ++absent;
    }
    return all == 0 ? 0.0 : static_cast<double>(absent) / static_cast<double>(all);
  }

  /// Those of whose work something is absent, the most likely first.
  Order suspects() const {
    Order order;
    for (const Migration* one : all_) {
      if (const auto known = absent_.find(one); known != absent_.end() && known->second > 0)
        order.push_back(one);
    }
    std::ranges::sort(order, {},
                      [&](const Migration* one) { return std::pair(-absent_.at(one), one->number); });
    if (order.size() > kMostTried) order.resize(kMostTried);
    return order;
  }

  Outcome<void> try_without(const Migration& odd) {
    auto trial = TrialDatabase::make(target_, scratch_url_);
    if (!trial) return std::unexpected(trial.error());
    Order order;
    Order matching;
    SchemaSnapshot made;
    for (const Migration* one : all_) {
      if (one == &odd) continue;
      if (!trial->apply(*one).empty()) return {};
      order.push_back(one);
      // The beginnings without it are the same as in the order of the numbers.
      if (one->number < odd.number) continue;
      made = trial->schema();
      note(order, made, &odd);
      if (made.fingerprint() == wanted_) matching = order;
    }
    if (!matching.empty() && matching.size() < order.size()) return found_without(std::move(matching), odd);
    SchemaSnapshot at_failure;
    const std::string failure = trial->apply(odd, [&] { at_failure = trial->schema(); });
    if (!matching.empty()) {
      found(Past::passed_over, std::move(matching), odd, failure, {});
      return {};
    }
    const SchemaSnapshot at_end = trial->schema();
    if (failure.empty() && at_end.fingerprint() == wanted_) {
      order.push_back(&odd);
      found(Past::late, std::move(order), odd, "", {});
    } else if (at_end.fingerprint() == wanted_ || (!failure.empty() && at_failure.fingerprint() == wanted_)) {
      found(Past::torn, std::move(order), odd, failure, difference_lines(made, live_));
    }
    return {};
  }

  /// What would become of it now is tried behind those that were applied.
  Outcome<void> found_without(Order order, const Migration& odd) {
    auto trial = TrialDatabase::make(target_, scratch_url_);
    if (!trial) return std::unexpected(trial.error());
    for (const Migration* one : order) trial->apply(*one);
    const std::string failure = trial->apply(odd);
    found(Past::passed_over, std::move(order), odd, failure, {});
    return {};
  }

  void found(Past past, Order order, const Migration& odd, std::string failure,
             std::vector<std::string> differences) {
    found_.emplace();
    found_->past = past;
    found_->odd = &odd;
    found_->odd_failure = std::move(failure);
    found_->differences = std::move(differences);
    std::size_t last = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i] == &odd || std::ranges::find(order, all_[i]) != order.end()) last = i;
    }
    if (last < built_.size()) found_->from_number_order = difference_lines(built_[last], live_);
    found_->order = std::move(order);
  }

  const Target& target_;
  const std::string& scratch_url_;
  const SchemaSnapshot& live_;
  std::string wanted_;
  Order all_;
  std::map<std::string, const SchemaObject*> definitions_;  // of the live schema, by their titles
  std::vector<SchemaSnapshot> built_;  // in the order of the numbers, as far as that can be applied
  std::map<const Migration*, double> absent_;
  Tried nearest_;
  bool nearest_known_ = false;
  std::optional<SchemaMatch> found_;
};

}  // namespace

std::string_view name_of(Past past) {
  switch (past) {
    case Past::in_order: return "in order";
    case Past::passed_over: return "passed over";
    case Past::late: return "late";
    case Past::torn: return "torn";
    case Past::pushed: return "pushed";
    case Past::unknown: break;
  }
  return "unknown";
}

Outcome<SchemaMatch> match_schema(const Target& target, const MigrationSet& set, const SchemaSnapshot& live,
                                  const std::string& scratch_url) {
  return Matching(target, set, live, scratch_url).run();
}

std::vector<std::string> difference_lines(const SchemaSnapshot& from, const SchemaSnapshot& to) {
  using Kind = SchemaDifference::Kind;
  const auto all = differences(from, to);
  std::map<std::string, std::size_t> parts;  // of each table that is there on one side alone
  for (const SchemaDifference& one : all) {
    if (one.kind != Kind::changed && is_table(one.object())) parts[one.object().name] = 0;
  }
  for (const SchemaDifference& one : all) {
    if (const auto table = parts.find(one.object().of); table != parts.end()) ++table->second;
  }
  std::vector<std::string> lines;
  for (const SchemaDifference& one : all) {
    const SchemaObject& object = one.object();
    if (parts.contains(object.of)) continue;
    if (one.kind != Kind::changed && is_table(object)) {
      lines.push_back(fmt::format("{} table {}, with {} columns, constraints and indexes",
                                  one.kind == Kind::missing ? "missing" : "added", object.name,
                                  parts[object.name]));
    } else {
      lines.push_back(one.text());
    }
  }
  return lines;
}

// --- a trial

Outcome<TrialDatabase> TrialDatabase::make(const Target& target, const std::string& scratch_url) {
  TrialDatabase trial;
  auto scratch = ScratchTarget::make(target, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  trial.scratch_ = *std::move(scratch);
  auto session = trial.scratch_->target().open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  trial.session_ = *std::move(session);
  trial.watch_ = std::make_unique<SchemaWatch>(*trial.session_, target.dialect);
  return trial;
}

SchemaSnapshot TrialDatabase::schema(const SnapshotOptions& options) const {
  return read_snapshot(*session_, scratch_->target().dialect, options);
}

std::string TrialDatabase::apply(const Migration& migration, const std::function<void()>& at_failure) {
  std::string first;
  for (const SqlStatement& statement : migration.up->statements) {
    try {
      session_->run(std::string(statement.text));
    } catch (const store::DatabaseError& error) {
      if (error.code() == store::DbCode::connection_lost) throw;
      if (!first.empty() || is_about_rights(statement)) continue;
      first = fmt::format("{} line {}: {}", migration.name, statement.line, error.what());
      if (!at_failure) break;
      at_failure();
    }
  }
  return first;
}

}  // namespace guildhall::migrate
