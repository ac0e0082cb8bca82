// What is proved in a database of its own before anybody needs it: that ways back lead back, and that a late
// migration may come late.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migrate/history.h"
#include "migrate/run.h"

namespace guildhall::migrate {

/// An empty database beside the given one: on the same server, or a SQLite file in a folder of its own. It is
/// gone with the object.
class ScratchTarget {
 public:
  /// `scratch_url`: another login on PostgreSQL that may make databases; "": the target's own. Problem
  /// `refused`: it may not.
  static Outcome<std::unique_ptr<ScratchTarget>> make(const Target& target, const std::string& scratch_url);
  virtual ~ScratchTarget() = default;
  const Target& target() const { return target_; }

 protected:
  Target target_;
};

/// Applies each migration, takes it back and applies it again: the fingerprints have to be f0, f1, f0, f1.
/// Findings E-ROUNDTRIP; W-NOWAY where one has no way back. `say` gets a line for each.
Outcome<Findings> prove_round_trips(const Target& target, const MigrationSet& set,
                                    const std::string& scratch_url,
                                    const std::function<void(const std::string&)>& say);

/// Does the schema become the same whether the late ones come where their numbers stand, or now, after the
/// others? Problem `drift`: it does not, or one of the two cannot be built at all.
Outcome<void> prove_late(const Target& target, const std::vector<Standing>& standings,
                         const std::string& scratch_url);

}  // namespace guildhall::migrate
