// State by index: a growing array of doubles, saved in pages. Weights and statistics live here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "worker/state/state.h"

namespace streamml::state {

// Reads beyond what was ever written give 0. A page exists from its first Mutable on, so equal
// histories of indexes give equal entries.
class ArrayState final : public DeclaredState {
 public:
  static constexpr size_t kPageSize = 128;  // doubles; 1 KiB

  ArrayState(StateId id, StateSet& set);
  ArrayState(const ArrayState&) = delete;
  ArrayState& operator=(const ArrayState&) = delete;

  double Get(uint64_t index) const {
    const uint64_t page = index / kPageSize;
    if (page >= pages_.size() || pages_[page] == nullptr) return 0;
    return pages_[page]->values[index % kPageSize];
  }
  // The value at `index`, marked as changed; values up to the end of its page may be used through
  // the same pointer. `index` must stay below 2^40. Valid as long as the state.
  double* Mutable(uint64_t index) {
    const uint64_t number = index / kPageSize;
    if (number >= pages_.size() || pages_[number] == nullptr) CreatePage(number);
    Page& page = *pages_[number];
    if (!page.dirty) MarkDirty(number);
    return &page.values[index % kPageSize];
  }
  // Pointer to the value at `index` for reading, or null where nothing was ever written near it.
  const double* Peek(uint64_t index) const {
    const uint64_t page = index / kPageSize;
    if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
    return &pages_[page]->values[index % kPageSize];
  }

  const StateId& id() const override { return id_; }
  void TakeChanges(ChangeSink& sink) override;
  absl::Status Load(std::string_view key, std::string_view value) override;
  size_t num_entries() const override { return num_pages_; }

 private:
  struct Page {
    std::array<double, kPageSize> values{};
    bool dirty = false;
  };

  void CreatePage(uint64_t number);
  void MarkDirty(uint64_t number);

  StateId id_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<uint64_t> dirty_;
  size_t num_pages_ = 0;
};

}  // namespace streamml::state
