#include "worker/state/ordered_state.h"

namespace streamml::state {

void OrderedState::Set(std::string_view key, std::string_view value) {
  entries_[std::string(key)].assign(value);
  changed_.emplace(key);
}

void OrderedState::Clear() {
  for (const auto& [key, value] : entries_) changed_.insert(key);
  entries_.clear();
}

void OrderedState::TakeChanges(ChangeSink& sink) {
  for (const std::string& key : changed_) {
    const auto entry = entries_.find(key);
    if (entry != entries_.end()) {
      sink.Put(key, entry->second);
      saved_.insert(key);
    } else if (saved_.erase(key) > 0) {
      sink.Delete(key);
    }
  }
  changed_.clear();
}

absl::Status OrderedState::Load(std::string_view key, std::string_view value) {
  entries_[std::string(key)].assign(value);
  saved_.emplace(key);
  return absl::OkStatus();
}

}  // namespace streamml::state
