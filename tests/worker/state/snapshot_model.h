// What a SnapshotStore must hold, kept the simple way, for its tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/random.h"
#include "worker/state/snapshot_store.h"

namespace streamml::state {

using Contents = std::map<std::pair<std::string, std::string>, std::string>;

inline SnapshotKey KeyOf(uint64_t sequence) {
  return {sequence, Hash128(std::to_string(sequence))};
}

inline Digest DigestOf(const Contents& contents) {
  Digest digest;
  for (const auto& [name, value] : contents)
    digest.Add(EntryDigest(name.first, name.second, value));
  return digest;
}

inline void Apply(const std::vector<StateChange>& changes, Contents& contents) {
  for (const StateChange& change : changes) {
    if (change.present) {
      contents[{change.state, change.key}] = change.value;
    } else {
      contents.erase({change.state, change.key});
    }
  }
}

// Puts, overwrites and deletes, also of what is not there, empty texts and zero bytes; an entry may
// change more than once.
inline std::vector<StateChange> RandomChanges(support::Random& random, size_t count) {
  std::vector<StateChange> changes;
  for (size_t i = 0; i < count; ++i) {
    StateChange change;
    change.state = random.OneIn(3) ? "view/window0.rows#0" : "fraud/weights#00ff";
    change.key = std::string(random.Below(3), '\0') + std::to_string(random.Below(20));
    if (random.OneIn(20)) change.key.clear();
    change.present = !random.OneIn(4);
    if (change.present)
      change.value = std::string(random.Below(40), static_cast<char>(random.Next()));
    changes.push_back(std::move(change));
  }
  return changes;
}

inline absl::StatusOr<Contents> RestoreAll(SnapshotStore& store, const SnapshotKey& key) {
  Contents contents;
  absl::Status status = store.Restore(
      key, [&contents](std::string_view state, std::string_view entry, std::string_view value) {
        const auto [it, is_new] =
            contents.emplace(std::pair(std::string(state), std::string(entry)), value);
        EXPECT_TRUE(is_new) << "handed over twice: " << it->first.first << " " << it->first.second;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return contents;
}

// The list without anything wrong.
inline std::vector<SnapshotInfo> ListAll(SnapshotStore& store) {
  std::vector<std::string> problems;
  const auto infos = store.List(problems);
  EXPECT_TRUE(infos.ok()) << infos.status();
  for (const std::string& problem : problems) ADD_FAILURE() << problem;
  return infos.ok() ? *infos : std::vector<SnapshotInfo>();
}

}  // namespace streamml::state
