// State that is larger than memory: values that are saved leave memory, and are read again when
// they are needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace streamml::state {

// What the values of states may take in memory, over all lanes of a process. Any thread.
class MemoryBudget {
 public:
  // In bytes, at least 0.
  explicit MemoryBudget(int64_t limit) : limit_(limit) {}
  void Add(int64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  int64_t used() const { return used_.load(std::memory_order_relaxed); }
  int64_t limit() const { return limit_; }
  int64_t excess() const { return used() - limit_; }

 private:
  const int64_t limit_;
  std::atomic<int64_t> used_{0};
};

// The entries of a lane's states as they were saved last.
class SavedEntries {
 public:
  virtual ~SavedEntries() = default;
  // The value of an entry that has not changed since a Save that has ended, or since it was
  // restored; also while another Save is under way. `state` is a StateId::ToString(). NOT_FOUND for
  // one that is not there.
  virtual absl::Status Get(std::string_view state, std::string_view key, std::string& value) = 0;
};

// What the states of one lane share. One thread, that of the lane.
//
// A value may leave memory when it is in a save that has ended. Saves are counted: BeginSave()
// comes before the changes are taken from states, SaveEnded() when they can be read back.
class Spill {
 public:
  // Both must outlive it.
  Spill(MemoryBudget& budget, SavedEntries& saved) : budget_(budget), saved_(saved) {}
  ~Spill() { budget_.Add(-bytes_); }
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;

  void BeginSave() { ++begun_; }
  void SaveEnded() {
    ended_ = begun_;
    exhausted_ = false;
  }
  // Of values that are taken from a state now; and whether those taken at `save` are in a save that
  // has ended. Restored values are of save 0.
  uint64_t save() const { return begun_; }
  bool IsSaved(uint64_t save) const { return save <= ended_; }

  // Of all values of these states; bytes may be less than 0.
  void Add(int64_t bytes) {
    bytes_ += bytes;
    budget_.Add(bytes);
  }
  int64_t bytes() const { return bytes_; }
  MemoryBudget& budget() { return budget_; }
  // Nothing more can leave memory before another save has ended.
  bool exhausted() const { return exhausted_; }
  void NoteExhausted() { exhausted_ = true; }

  // The first failure is kept: what states hold is worth nothing after it, and their lane must end
  // before it commits.
  absl::Status Get(std::string_view state, std::string_view key, std::string& value) {
    ++num_read_;
    absl::Status status = saved_.Get(state, key, value);
    if (!status.ok()) Fail(status);
    return status;
  }
  void Fail(const absl::Status& status) {
    if (failure_.ok()) failure_ = status;
  }
  const absl::Status& failure() const { return failure_; }
  uint64_t num_read() const { return num_read_; }

 private:
  MemoryBudget& budget_;
  SavedEntries& saved_;
  uint64_t begun_ = 0;
  uint64_t ended_ = 0;
  int64_t bytes_ = 0;
  uint64_t num_read_ = 0;
  bool exhausted_ = false;
  absl::Status failure_;
};

}  // namespace streamml::state
