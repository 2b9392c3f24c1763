// State by key, in order of key: entries of bytes that are also gone through.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "worker/state/state.h"

namespace streamml::state {

class OrderedState final : public DeclaredState {
 public:
  OrderedState(StateId id, StateSet& set) : id_(std::move(id)) { set.Declare(*this); }
  OrderedState(const OrderedState&) = delete;
  OrderedState& operator=(const OrderedState&) = delete;

  void Set(std::string_view key, std::string_view value);
  void Clear();
  const absl::btree_map<std::string, std::string>& entries() const { return entries_; }

  const StateId& id() const override { return id_; }
  void TakeChanges(ChangeSink& sink) override;
  absl::Status Load(std::string_view key, std::string_view value) override;
  size_t num_entries() const override { return entries_.size(); }

 private:
  StateId id_;
  absl::btree_map<std::string, std::string> entries_;
  absl::btree_set<std::string> saved_;    // as the engine knows them
  absl::btree_set<std::string> changed_;  // since it asked last
};

}  // namespace streamml::state
