// State by key that forgets keys by event time: what windows keep per partition key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/log/check.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "worker/state/state.h"

namespace streamml::state {

// A key lives until ExpireBefore passes the greatest time that Touch was called with. What is
// erased depends on the entries and on the horizon alone, not on earlier calls or on a save and
// load in between: event time is cut into buckets of `bucket_us`, and an entry goes when its whole
// bucket lies before the horizon's bucket. So the state holds the keys of the horizon and of one
// bucket more.
//
// Where the set lets values leave memory, the key, its time and about 150 bytes more stay.
//
// `Codec` is an object with
//   void Encode(const Value&, std::string& out) const        appends the canonical bytes
//   bool Decode(std::string_view bytes, Value& out) const    false when they are not such bytes
//   int64_t Time(const Value&) const                         the greatest time given to Touch
//   int64_t Bytes(const Value&) const                        about what it takes in memory
// Iteration is not offered: its order would be the hash map's.
template <typename Value, typename Codec>
class ExpiringState final : public DeclaredState {
 public:
  // Names an entry until ExpireBefore erases it.
  using Handle = uint32_t;

  // `bucket_us` is positive.
  ExpiringState(StateId id, Codec codec, int64_t bucket_us, StateSet& set)
      : id_(std::move(id)),
        name_(id_.ToString()),
        codec_(std::move(codec)),
        bucket_us_(bucket_us),
        set_(set),
        index_(0, SlotHash{&slots_}, SlotEqual{&slots_}) {
    CHECK(bucket_us > 0) << "state " << id_.ToString() << ": bucket of " << bucket_us << " us";
    set.Declare(*this);
  }
  ExpiringState(const ExpiringState&) = delete;
  ExpiringState& operator=(const ExpiringState&) = delete;

  // The entry of `key`, created empty if missing, and marked as changed.
  Handle Touch(std::string_view key, int64_t time) {
    const KeyAndHash wanted{key, Hash64(key)};
    const auto it = index_.find(wanted);
    const Handle handle = it != index_.end() ? *it : Insert(wanted, time);
    Slot& slot = slots_[handle];
    slot.time = std::max(slot.time, time);
    if (Spill* spill = set_.spill()) {
      CountLast(*spill);
      Use(*spill, slot);
      last_ = handle;
    }
    if (!slot.dirty) {
      slot.dirty = true;
      dirty_.push_back(handle);
    }
    return handle;
  }
  // Valid until the next Touch.
  Value& At(Handle handle) { return slots_[handle].value; }
  // The value, or null. Valid until the next Touch, Evict or ExpireBefore.
  const Value* Find(std::string_view key) {
    const auto it = index_.find(KeyAndHash{key, Hash64(key)});
    if (it == index_.end()) return nullptr;
    if (Spill* spill = set_.spill()) Use(*spill, slots_[*it]);
    return &slots_[*it].value;
  }

  // Erases every entry whose bucket lies before the one of `horizon`.
  void ExpireBefore(int64_t horizon) {
    if (horizon < next_expiry_) return;
    const int64_t target = Bucket(horizon);
    while (!buckets_.empty() && buckets_.begin()->first < target) {
      const auto due = buckets_.extract(buckets_.begin());
      for (const Handle handle : due.mapped()) EraseOrRegister(handle, target);
    }
    SetNextExpiry();
  }

  const StateId& id() const override { return id_; }
  void TakeChanges(ChangeSink& sink) override {
    if (Spill* spill = set_.spill()) CountLast(*spill);
    for (const std::string& key : deleted_) {
      if (!index_.contains(KeyAndHash{key, Hash64(key)})) sink.Delete(key);
    }
    std::string bytes;
    for (const Handle handle : dirty_) {
      Slot& slot = slots_[handle];
      slot.dirty = false;
      if (Spill* spill = set_.spill()) slot.save = spill->save();
      if (!slot.present) continue;
      bytes.clear();
      codec_.Encode(slot.value, bytes);
      sink.Put(slot.key, bytes);
      slot.stored = true;
    }
    deleted_.clear();
    dirty_.clear();
  }
  absl::Status Load(std::string_view key, std::string_view value) override {
    Value decoded{};
    if (!codec_.Decode(value, decoded)) {
      return absl::DataLossError(absl::StrCat("state ", id_.ToString(), ": ", value.size(),
                                              " bytes of an entry are not of this state's format"));
    }
    const KeyAndHash wanted{key, Hash64(key)};
    if (index_.contains(wanted)) {
      return absl::DataLossError(absl::StrCat("state ", id_.ToString(), ": a key is stored twice"));
    }
    Slot& slot = slots_[Insert(wanted, codec_.Time(decoded))];
    slot.stored = true;
    Spill* spill = set_.spill();
    if (spill != nullptr && spill->budget().excess() > 0) {
      slot.away = true;  // it is where it comes from
      return absl::OkStatus();
    }
    slot.value = std::move(decoded);
    if (spill != nullptr) Use(*spill, slot);
    return absl::OkStatus();
  }
  size_t num_entries() const override { return index_.size(); }
  // By second chance: what was used since the hand came by the last time stays until it comes
  // again.
  int64_t Evict(int64_t bytes) override {
    Spill& spill = *set_.spill();
    int64_t freed = 0;
    for (size_t looked = 0; looked < 2 * slots_.size() && freed < bytes; ++looked) {
      hand_ = hand_ + 1 < slots_.size() ? hand_ + 1 : 0;
      Slot& slot = slots_[hand_];
      if (!slot.present || slot.away || slot.dirty || !spill.IsSaved(slot.save)) continue;
      if (std::exchange(slot.used, false)) continue;
      freed += Forget(spill, slot);
      slot.away = true;
    }
    return freed;
  }

 private:
  struct Slot {
    std::string key;
    uint64_t hash = 0;
    int64_t time = 0;
    Value value{};
    bool present = false;
    bool dirty = false;   // is in dirty_
    bool stored = false;  // was handed to a ChangeSink or loaded, so its end must be told
    bool away = false;    // its value is not in memory
    bool used = false;    // since the hand came by
    uint64_t save = 0;    // that it was taken at last
    int64_t bytes = 0;    // that the budget knows of
  };
  struct KeyAndHash {
    std::string_view key;
    uint64_t hash = 0;
  };
  struct SlotHash {
    using is_transparent = void;
    size_t operator()(Handle handle) const { return (*slots)[handle].hash; }
    size_t operator()(const KeyAndHash& wanted) const { return wanted.hash; }
    const std::vector<Slot>* slots;
  };
  struct SlotEqual {
    using is_transparent = void;
    bool operator()(Handle a, Handle b) const { return a == b; }
    bool operator()(Handle handle, const KeyAndHash& wanted) const {
      const Slot& slot = (*slots)[handle];
      return slot.hash == wanted.hash && slot.key == wanted.key;
    }
    bool operator()(const KeyAndHash& wanted, Handle handle) const {
      return (*this)(handle, wanted);
    }
    const std::vector<Slot>* slots;
  };

  int64_t Bucket(int64_t time) const { return time / bucket_us_ - (time % bucket_us_ < 0); }

  Handle Insert(const KeyAndHash& wanted, int64_t time) {
    Handle handle = static_cast<Handle>(slots_.size());
    if (free_.empty()) {
      CHECK(slots_.size() < std::numeric_limits<Handle>::max()) << "too many keys";
      slots_.emplace_back();
    } else {
      handle = free_.back();
      free_.pop_back();
    }
    Slot& slot = slots_[handle];
    slot.key = wanted.key;
    slot.hash = wanted.hash;
    slot.time = time;
    slot.present = true;
    slot.stored = false;
    slot.save = 0;
    index_.insert(handle);
    Register(handle);
    return handle;
  }

  // Brings the value back where it is away, and tells the budget what it takes by now.
  void Use(Spill& spill, Slot& slot) {
    slot.used = true;
    if (slot.away) Bring(spill, slot);
    Count(spill, slot);
  }
  // What was touched last has grown since.
  void CountLast(Spill& spill) {
    if (last_ < slots_.size() && slots_[last_].present && !slots_[last_].away) {
      Count(spill, slots_[last_]);
    }
  }
  void Count(Spill& spill, Slot& slot) {
    const int64_t bytes = codec_.Bytes(slot.value);
    spill.Add(bytes - std::exchange(slot.bytes, bytes));
  }
  void Bring(Spill& spill, Slot& slot) {
    slot.away = false;
    if (!spill.Get(name_, slot.key, buffer_).ok()) return;
    if (codec_.Decode(buffer_, slot.value)) return;
    slot.value = Value{};
    spill.Fail(absl::DataLossError(absl::StrCat("state ", name_, ": ", buffer_.size(),
                                                " bytes that were saved are not of its format")));
  }
  int64_t Forget(Spill& spill, Slot& slot) {
    const int64_t bytes = std::exchange(slot.bytes, 0);
    spill.Add(-bytes);
    slot.value = Value{};
    return bytes;
  }

  // Each present slot is in one bucket: that of its time or, since touching does not move it, an
  // earlier one.
  void Register(Handle handle) {
    buckets_[Bucket(slots_[handle].time)].push_back(handle);
    SetNextExpiry();
  }

  void EraseOrRegister(Handle handle, int64_t target) {
    if (Bucket(slots_[handle].time) >= target) return Register(handle);
    Slot& slot = slots_[handle];
    index_.erase(handle);
    if (slot.stored) deleted_.push_back(std::move(slot.key));
    slot.key.clear();
    if (Spill* spill = set_.spill()) Forget(*spill, slot);
    slot.value = Value{};
    slot.away = false;
    slot.present = false;
    free_.push_back(handle);
  }

  // The first horizon at which there is something to do.
  void SetNextExpiry() {
    next_expiry_ = std::numeric_limits<int64_t>::max();
    if (buckets_.empty()) return;
    const int64_t next_bucket = buckets_.begin()->first + 1;
    const bool overflow = __builtin_mul_overflow(next_bucket, bucket_us_, &next_expiry_);
    if (overflow) next_expiry_ = std::numeric_limits<int64_t>::max();
  }

  StateId id_;
  const std::string name_;
  Codec codec_;
  int64_t bucket_us_;
  StateSet& set_;
  size_t hand_ = 0;
  Handle last_ = std::numeric_limits<Handle>::max();  // that was touched
  std::string buffer_;                                // for a value that is brought back
  std::vector<Slot> slots_;
  std::vector<Handle> free_;
  absl::flat_hash_set<Handle, SlotHash, SlotEqual> index_;
  std::map<int64_t, std::vector<Handle>> buckets_;
  int64_t next_expiry_ = std::numeric_limits<int64_t>::max();
  std::vector<Handle> dirty_;
  std::vector<std::string> deleted_;  // keys of stored entries that were erased
};

}  // namespace streamml::state
