// States that one lane changes and others follow, entry by entry: what a model learned is made in
// one lane and used in many.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "worker/state/ordered_state.h"
#include "worker/state/state.h"

namespace streamml::state {

// Stands between states and the lane that saves them. Both sides are made alike, one lane uses it
// as the leader and others as followers; entries may be changed and added, never removed. One
// thread.
class ReplicatedStates {
 public:
  ReplicatedStates();
  ~ReplicatedStates();
  // Where the states are declared that are to be replicated.
  StateSet& inner() { return inner_; }
  // Declares them in `lane`, under their own ids, and beside them `<owner>/model.moving`: of the
  // leader what no update has told yet, of a follower the part of an update that has come. Once,
  // after the last one was declared.
  void DeclareIn(StateSet& lane, const std::string& owner, uint64_t schema_hash);

  // The leader's. Calls `entry` for each entry that changed since the last call, in order of state
  // and key; also over saving and restoring.
  using EntryFunction =
      std::function<void(std::string_view state, std::string_view key, std::string_view value)>;
  void TakeUpdate(const EntryFunction& entry);

  // A follower's. What was received is put into the states by Adopt alone, all of it at once.
  void Receive(std::string_view state, std::string_view key, std::string_view value);
  // DATA_LOSS for what no state such as these has sent.
  absl::Status Adopt();

 private:
  class Replica;

  StateSet inner_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::unique_ptr<OrderedState> moving_;
};

}  // namespace streamml::state
