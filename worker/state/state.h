// Declared state: what an operator keeps between rows. Operators declare it and use it; the engine
// saves and restores it, so no operator has checkpoint code. All of it belongs to one lane and one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "worker/state/spill.h"

namespace streamml::state {

// What decides, across edits of a job, whether a state is kept. `owner` is the view, model or sink;
// `name` the operator in it and the state's role, such as "window0.rows"; `schema_hash` covers
// types and parameters that give stored values their meaning.
struct StateId {
  std::string owner;
  std::string name;
  uint64_t schema_hash = 0;

  // "owner/name#hash in hex": unique within a lane; the prefix under which entries are stored.
  std::string ToString() const;
  friend bool operator==(const StateId&, const StateId&) = default;
};

// Receives the entries of one state that changed. Views are valid during the call only.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Delete(std::string_view key) = 0;
};

// One state as the engine sees it: entries of bytes. Encodings are canonical: equal contents have
// equal bytes, whatever the history of insertions, because digests are taken over them.
class DeclaredState {
 public:
  virtual ~DeclaredState() = default;
  virtual const StateId& id() const = 0;
  // Hands over each entry that changed since the last call or load, once, and marks all as clean.
  virtual void TakeChanges(ChangeSink& sink) = 0;
  // Puts one stored entry back, clean. DATA_LOSS when the bytes cannot be this state's.
  virtual absl::Status Load(std::string_view key, std::string_view value) = 0;
  virtual size_t num_entries() const = 0;
  // Lets go of about so many bytes of values that are saved, those that were not used for long
  // first. Gives how many it was. Nothing where values cannot leave memory.
  virtual int64_t Evict(int64_t /*bytes*/) { return 0; }
};

// The states of one lane, in order of declaration. Owns nothing: each state must outlive the set or
// never be touched through it again. Two states with one id are a bug (CHECK).
class StateSet {
 public:
  void Declare(DeclaredState& state);
  const std::vector<DeclaredState*>& states() const { return states_; }
  // The state with that StateId::ToString(), or null.
  DeclaredState* Find(std::string_view id) const;

  // Values may leave memory from now on; before the first entry. The budget and the entries must
  // outlive the set.
  void LeaveMemory(MemoryBudget& budget, SavedEntries& saved) { spill_.emplace(budget, saved); }
  // Null where they may not.
  Spill* spill() { return spill_.has_value() ? &*spill_ : nullptr; }
  const Spill* spill() const { return spill_.has_value() ? &*spill_ : nullptr; }
  // Lets values go as long as the budget is exceeded. False when it still is: what is in memory has
  // to be saved first.
  bool KeepToBudget();

 private:
  std::vector<DeclaredState*> states_;
  std::optional<Spill> spill_;
};

}  // namespace streamml::state
