// State by key: a hash map from key bytes to values of one type.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "worker/state/state.h"

namespace streamml::state {

// `Codec` has two static functions:
//   void Encode(const Value&, std::string& out)            appends the canonical bytes
//   bool Decode(std::string_view bytes, Value& out)        false when they are not such bytes
// Iteration is not offered: its order would be the hash map's. Keep ordered contents in the value.
template <typename Value, typename Codec>
class KeyedState final : public DeclaredState {
 public:
  KeyedState(StateId id, StateSet& set) : id_(std::move(id)) { set.Declare(*this); }
  KeyedState(const KeyedState&) = delete;
  KeyedState& operator=(const KeyedState&) = delete;

  // The value, or null. Valid until the next Mutable or Erase.
  const Value* Find(std::string_view key) const {
    const auto it = slots_.find(key);
    return it == slots_.end() || !it->second.present ? nullptr : &it->second.value;
  }
  // The value, created empty if missing, and marked as changed. Valid until the next Mutable or
  // Erase.
  Value& Mutable(std::string_view key) {
    auto it = slots_.find(key);
    if (it == slots_.end()) it = slots_.emplace(std::string(key), Slot{}).first;
    MarkDirty(it->first, it->second);
    if (!it->second.present) {
      it->second.present = true;
      ++num_present_;
    }
    return it->second.value;
  }
  void Erase(std::string_view key) {
    const auto it = slots_.find(key);
    if (it == slots_.end() || !it->second.present) return;
    MarkDirty(it->first, it->second);
    it->second.present = false;
    it->second.value = Value{};
    --num_present_;
  }

  const StateId& id() const override { return id_; }
  void TakeChanges(ChangeSink& sink) override {
    std::string bytes;
    for (const std::string& key : dirty_) {
      const auto it = slots_.find(key);
      it->second.dirty = false;
      if (it->second.present) {
        bytes.clear();
        Codec::Encode(it->second.value, bytes);
        sink.Put(key, bytes);
      } else {
        sink.Delete(key);
        slots_.erase(it);
      }
    }
    dirty_.clear();
  }
  absl::Status Load(std::string_view key, std::string_view value) override {
    Slot slot;
    slot.present = true;
    if (!Codec::Decode(value, slot.value)) {
      return absl::DataLossError(absl::StrCat("state ", id_.ToString(), ": ", value.size(),
                                              " bytes of an entry are not of this state's format"));
    }
    const auto it = slots_.find(key);
    if (it == slots_.end() || !it->second.present) ++num_present_;
    slots_.insert_or_assign(std::string(key), std::move(slot));
    return absl::OkStatus();
  }
  size_t num_entries() const override { return num_present_; }

 private:
  struct Slot {
    Value value{};
    bool present = false;
    bool dirty = false;
  };

  // Debian's abseil has a string_view of its own, so its transparent hash does not take std's.
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return Hash64(key); }
  };

  void MarkDirty(const std::string& key, Slot& slot) {
    if (slot.dirty) return;
    slot.dirty = true;
    dirty_.push_back(key);
  }

  StateId id_;
  absl::flat_hash_map<std::string, Slot, KeyHash, std::equal_to<>> slots_;
  std::vector<std::string> dirty_;
  size_t num_present_ = 0;
};

}  // namespace streamml::state
