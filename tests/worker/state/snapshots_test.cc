// Laws of every SnapshotStore, over each kind of it on the real disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/posix_disk.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/state/snapshot_model.h"
#include "worker/state/plain_snapshots.h"
#include "worker/state/rocksdb/rocksdb_snapshots.h"
#include "worker/state/snapshot_format.h"
#include "worker/state/snapshot_store.h"
#include "worker/state/store/folder_store.h"
#include "worker/state/store/stored_snapshots.h"

namespace streamml::state {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Kind {
  const char* name;
  std::function<std::unique_ptr<SnapshotStore>(Disk&, const std::string&)> make;
};

// Snapshots that are in a store as soon as they are saved, and gone from it as soon as nobody needs
// them. kElsewhere: those on the disk of an earlier life are lost.
class PromptlyStored final : public SnapshotStore {
 public:
  PromptlyStored(std::unique_ptr<LocalSnapshots> local, Disk& disk, const std::string& folder)
      : objects_(MakeFolderStore(disk, folder)),
        store_(MakeStoredSnapshots(std::move(local), disk, *objects_, clock_,
                                   {.prefix = "lane/",
                                    .grace_us = kGraceUs,
                                    .uploads = StoredSnapshotsOptions::Uploads::kByHand})) {}

  absl::StatusOr<std::vector<SnapshotInfo>> List(std::vector<std::string>& problems) override {
    return store_->List(problems);
  }
  absl::Status Restore(const SnapshotKey& key, const EntryFunction& entry) override {
    return store_->Restore(key, entry);
  }
  absl::Status Read(const SnapshotKey& key, const EntryFunction& entry) override {
    return store_->Read(key, entry);
  }
  absl::Status ReadSaved(const EntryFunction& entry) override { return store_->ReadSaved(entry); }
  absl::Status Clear() override { return store_->Clear(); }
  SavedEntries* saved() override { return store_->saved(); }
  void Keep(std::vector<SnapshotKey> keys) override { store_->Keep(std::move(keys)); }
  absl::StatusOr<Digest> Save(const SnapshotKey& key, std::string_view engine,
                              const std::vector<StateChange>& changes) override {
    auto digest = store_->Save(key, engine, changes);
    for (int look = 0; look < 3; ++look) {
      const absl::Status status = store_->UploadNow();
      EXPECT_TRUE(status.ok()) << status;
      clock_.Advance(kGraceUs + 1);
    }
    return digest;
  }

 private:
  static constexpr int64_t kGraceUs = 1'000'000;
  support::ManualClock clock_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<StoredSnapshots> store_;
};

// Each life finds the folder of the one before, or with `is_elsewhere` an empty one.
std::unique_ptr<SnapshotStore> MakePromptlyStored(Disk& disk, const std::string& folder,
                                                  bool is_elsewhere) {
  static int life = 0;
  const std::string local = absl::StrCat(folder, "/local", is_elsewhere ? ++life : 0);
  auto snapshots = MakeRocksDbSnapshots(disk, local);
  EXPECT_TRUE(snapshots.ok()) << snapshots.status();
  return std::make_unique<PromptlyStored>(*std::move(snapshots), disk, folder + "/store");
}

class SnapshotLaws : public testing::TestWithParam<Kind> {
 protected:
  // As after a restart: nothing is kept but the folder.
  std::unique_ptr<SnapshotStore> Open() {
    return GetParam().make(*disk_, folder_.path() + "/lane");
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Disk> disk_ = MakePosixDisk();
};

INSTANTIATE_TEST_SUITE_P(All, SnapshotLaws,
                         testing::Values(Kind{"Plain", MakePlainSnapshots},
                                         Kind{"RocksDb",
                                              [](Disk& disk, const std::string& folder) {
                                                auto store = MakeRocksDbSnapshots(disk, folder);
                                                EXPECT_TRUE(store.ok()) << store.status();
                                                return *std::move(store);
                                              }},
                                         Kind{"Stored",
                                              [](Disk& disk, const std::string& folder) {
                                                return MakePromptlyStored(disk, folder, false);
                                              }},
                                         Kind{"StoredElsewhere",
                                              [](Disk& disk, const std::string& folder) {
                                                return MakePromptlyStored(disk, folder, true);
                                              }}),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(SnapshotLaws, EmptyFolderHasNoSnapshots) {
  const auto store = Open();
  EXPECT_THAT(ListAll(*store), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(RestoreAll(*store, KeyOf(1)).status()));
  EXPECT_TRUE(store->Clear().ok());
}

TEST_P(SnapshotLaws, RestoredEntriesAndDigestsAreThoseSaved) {
  support::Random random(1);
  Contents contents;
  auto store = Open();
  for (uint64_t sequence = 1; sequence <= 12; ++sequence) {
    const auto changes = RandomChanges(random, random.Below(60));
    Apply(changes, contents);
    const auto digest = store->Save(KeyOf(sequence), "engine" + std::to_string(sequence), changes);
    ASSERT_TRUE(digest.ok()) << digest.status();
    EXPECT_EQ(*digest, DigestOf(contents)) << "sequence " << sequence;
    if (sequence % 3 != 0) continue;
    store = nullptr;
    store = Open();
    const auto infos = ListAll(*store);
    ASSERT_THAT(infos, SizeIs(2));
    EXPECT_EQ(infos[0].key, KeyOf(sequence));
    EXPECT_EQ(infos[0].engine, "engine" + std::to_string(sequence));
    EXPECT_EQ(infos[0].state_digest, DigestOf(contents));
    EXPECT_EQ(infos[1].key, KeyOf(sequence - 1));
    const auto restored = RestoreAll(*store, KeyOf(sequence));
    ASSERT_TRUE(restored.ok()) << restored.status();
    EXPECT_EQ(*restored, contents);
  }
}

TEST_P(SnapshotLaws, WhatWasSavedLastCanBeReadAndSavingGoesOn) {
  support::Random random(2);
  Contents contents;
  const auto read = [](SnapshotStore& store) {
    Contents seen;
    EXPECT_TRUE(
        store
            .ReadSaved([&](std::string_view state, std::string_view key, std::string_view value) {
              seen[{std::string(state), std::string(key)}] = value;
              return absl::OkStatus();
            })
            .ok());
    return seen;
  };
  auto store = Open();
  EXPECT_EQ(read(*store), contents);
  for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
    const auto changes = RandomChanges(random, 40);
    Apply(changes, contents);
    ASSERT_TRUE(store->Save(KeyOf(sequence), "", changes).ok());
    EXPECT_EQ(read(*store), contents) << "sequence " << sequence;
  }
  store = Open();
  ASSERT_TRUE(RestoreAll(*store, KeyOf(4)).ok());
  EXPECT_EQ(read(*store), contents);
}

TEST_P(SnapshotLaws, OlderSnapshotIsRestoredAndNewerOnesAreRemovedByTheNextSave) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(5), "", {{"s", "a", "1"}, {"s", "b", "1"}}).ok());
  ASSERT_TRUE(store->Save(KeyOf(7), "", {{"s", "a", "2"}, {"s", "b", "", false}}).ok());
  store = nullptr;
  store = Open();
  const auto restored = RestoreAll(*store, KeyOf(5));
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(*restored, (Contents{{{"s", "a"}, "1"}, {{"s", "b"}, "1"}}));
  // What replay will say is not known yet.
  ASSERT_THAT(ListAll(*store), SizeIs(2));
  EXPECT_EQ(*RestoreAll(*store, KeyOf(7)), (Contents{{{"s", "a"}, "2"}}));
  ASSERT_TRUE(RestoreAll(*store, KeyOf(5)).ok());
  // The working copy goes on from what was restored, not from what was removed.
  const SnapshotKey other{6, Hash128("another history")};
  const auto digest = store->Save(other, "", {{"s", "c", "3"}});
  ASSERT_TRUE(digest.ok()) << digest.status();
  EXPECT_EQ(*digest, DigestOf({{{"s", "a"}, "1"}, {{"s", "b"}, "1"}, {{"s", "c"}, "3"}}));
  const auto infos = ListAll(*store);
  ASSERT_THAT(infos, SizeIs(2));
  EXPECT_EQ(infos[0].key, other);
  EXPECT_EQ(infos[1].key, KeyOf(5));
}

TEST_P(SnapshotLaws, SnapshotOfAnotherHistoryAtTheSameSequenceIsRemovedByTheSaveAfterRestore) {
  auto store = Open();
  const SnapshotKey other{5, Hash128("another history")};
  ASSERT_TRUE(store->Save(other, "", {{"s", "a", "1"}}).ok());
  ASSERT_TRUE(store->Save(KeyOf(5), "", {{"s", "a", "2"}}).ok());
  ASSERT_TRUE(RestoreAll(*store, KeyOf(5)).ok());
  EXPECT_THAT(ListAll(*store), SizeIs(2));
  ASSERT_TRUE(store->Save(KeyOf(6), "", {}).ok());
  const auto infos = ListAll(*store);
  ASSERT_THAT(infos, SizeIs(2));
  EXPECT_EQ(infos[0].key, KeyOf(6));
  EXPECT_EQ(infos[1].key, KeyOf(5));
}

TEST_P(SnapshotLaws, SavingAgainUnderTheSameKeyKeepsOneWholeSnapshot) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(5), "e", {{"s", "a", "1"}}).ok());
  ASSERT_TRUE(RestoreAll(*store, KeyOf(5)).ok());
  ASSERT_TRUE(store->Save(KeyOf(5), "e", {}).ok());
  ASSERT_THAT(ListAll(*store), SizeIs(1));
  EXPECT_EQ(*RestoreAll(*store, KeyOf(5)), (Contents{{{"s", "a"}, "1"}}));
}

TEST_P(SnapshotLaws, TheOneToKeepStaysBesideTheTwoNewest) {
  auto store = Open();
  for (uint64_t sequence = 1; sequence <= 6; ++sequence) {
    if (sequence == 3) store->Keep({KeyOf(2)});
    ASSERT_TRUE(store->Save(KeyOf(sequence), "", {{"s", std::to_string(sequence), "1"}}).ok());
  }
  const auto infos = ListAll(*store);
  ASSERT_THAT(infos, SizeIs(3));
  EXPECT_EQ(infos[2].key, KeyOf(2));
  EXPECT_EQ(*RestoreAll(*store, KeyOf(2)), (Contents{{{"s", "1"}, "1"}, {{"s", "2"}, "1"}}));
}

TEST_P(SnapshotLaws, ReadingAnOlderSnapshotRemovesNone) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(1), "", {{"s", "a", "1"}}).ok());
  ASSERT_TRUE(store->Save(KeyOf(2), "", {{"s", "a", "2"}}).ok());
  Contents contents;
  const auto receive = [&contents](std::string_view state, std::string_view key,
                                   std::string_view value) {
    contents.emplace(std::pair(std::string(state), std::string(key)), value);
    return absl::OkStatus();
  };
  ASSERT_TRUE(store->Read(KeyOf(1), receive).ok());
  EXPECT_EQ(contents, (Contents{{{"s", "a"}, "1"}}));
  EXPECT_THAT(ListAll(*store), SizeIs(2));
  EXPECT_EQ(*RestoreAll(*store, KeyOf(2)), (Contents{{{"s", "a"}, "2"}}));
  EXPECT_TRUE(absl::IsNotFound(store->Read(KeyOf(9), receive)));
}

TEST_P(SnapshotLaws, ClearLeavesNothing) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(1), "", {{"s", "a", "1"}}).ok());
  ASSERT_TRUE(store->Save(KeyOf(2), "", {{"s", "b", "1"}}).ok());
  ASSERT_TRUE(store->Clear().ok());
  EXPECT_THAT(ListAll(*store), IsEmpty());
  const auto digest = store->Save(KeyOf(1), "", {{"s", "c", "1"}});
  ASSERT_TRUE(digest.ok()) << digest.status();
  EXPECT_EQ(*digest, DigestOf({{{"s", "c"}, "1"}}));
  EXPECT_EQ(*RestoreAll(*store, KeyOf(1)), (Contents{{{"s", "c"}, "1"}}));
}

TEST_P(SnapshotLaws, WorkingCopyOfANewStoreIsEmptyWhateverLiesInTheFolder) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(1), "", {{"s", "a", "1"}}).ok());
  store = nullptr;
  store = Open();
  const auto digest = store->Save(KeyOf(2), "", {{"s", "b", "1"}});
  ASSERT_TRUE(digest.ok()) << digest.status();
  EXPECT_EQ(*digest, DigestOf({{{"s", "b"}, "1"}}));
}

TEST_P(SnapshotLaws, ErrorOfTheReceiverEndsTheRestoreWithAnEmptyWorkingCopy) {
  auto store = Open();
  ASSERT_TRUE(store->Save(KeyOf(1), "", {{"s", "a", "1"}, {"s", "b", "1"}}).ok());
  const absl::Status status = store->Restore(
      KeyOf(1), [](auto, auto, auto) { return absl::DataLossError("not of this state"); });
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("not of this state"));
  EXPECT_EQ(*store->Save(KeyOf(2), "", {}), Digest{});
}

TEST(SnapshotFormat, NameTellsTheKeyAndNothingElseDoes) {
  const SnapshotKey key{42, {0x0123456789abcdef, 0xfedcba9876543210}};
  const std::string name = "00000000000000000042-fedcba98765432100123456789abcdef";
  EXPECT_EQ(SnapshotName(key), name);
  EXPECT_EQ(ParseSnapshotName(name), key);
  const SnapshotKey last{~uint64_t{0}, {}};
  EXPECT_EQ(ParseSnapshotName(SnapshotName(last)), last);
  for (const char* other :
       {"", "00000000000000000042", "0000000000000000004x-fedcba98765432100123456789abcdef",
        "-0000000000000000042-fedcba98765432100123456789abcdef",
        "99999999999999999999-fedcba98765432100123456789abcdef",
        "00000000000000000042-FEDCBA98765432100123456789abcdef",
        "00000000000000000042-fedcba98765432100123456789abcdef.tmp"}) {
    EXPECT_EQ(ParseSnapshotName(other), std::nullopt) << other;
  }
}

TEST(SnapshotFormat, FrameOfALaterVersionIsRefusedByNumber) {
  const SnapshotInfo info{KeyOf(1), "", {}};
  std::string bytes = SealFrame("12345678", info, "contents");
  ASSERT_TRUE(OpenFrame("12345678", info.key, bytes).ok());
  bytes[8] = 2;
  const absl::Status status = OpenFrame("12345678", info.key, bytes).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "format version 2; this build reads 1");
  EXPECT_TRUE(absl::IsDataLoss(OpenFrame("12345679", info.key, bytes).status()));
}

TEST(EntryDigest, DependsOnEveryPartAndItsBounds) {
  EXPECT_NE(EntryDigest("ab", "c", "d"), EntryDigest("a", "bc", "d"));
  EXPECT_NE(EntryDigest("a", "bc", "d"), EntryDigest("a", "b", "cd"));
  EXPECT_NE(EntryDigest("a", "b", ""), EntryDigest("a", "", "b"));
  EXPECT_NE(EntryDigest("", "", ""), Digest{});
  EXPECT_EQ(EntryDigest("a", "b", "c"), EntryDigest("a", "b", "c"));
}

TEST_P(SnapshotLaws, WhatIsSavedOrRestoredCanBeReadBackEntryByEntry) {
  auto store = Open();
  ASSERT_NE(store->saved(), nullptr);
  std::string value;
  EXPECT_TRUE(absl::IsNotFound(store->saved()->Get("s", "a", value)));
  ASSERT_TRUE(store->Save(KeyOf(1), "", {{"s", "a", "1"}, {"s", "b", "2"}, {"t", "a", "3"}}).ok());
  ASSERT_TRUE(store->Save(KeyOf(2), "", {{"s", "a", "4"}, {"s", "b", "", false}}).ok());
  EXPECT_TRUE(store->saved()->Get("s", "a", value).ok());
  EXPECT_EQ(value, "4");
  EXPECT_TRUE(store->saved()->Get("t", "a", value).ok());
  EXPECT_EQ(value, "3");
  EXPECT_TRUE(absl::IsNotFound(store->saved()->Get("s", "b", value)));
  EXPECT_TRUE(absl::IsNotFound(store->saved()->Get("", "sa", value)));
  store = nullptr;
  store = Open();
  ASSERT_TRUE(RestoreAll(*store, KeyOf(1)).ok());
  EXPECT_TRUE(store->saved()->Get("s", "b", value).ok());
  EXPECT_EQ(value, "2");
}

// As lanes do: what does not change is read while a save of other entries is under way.
TEST_P(SnapshotLaws, EntriesAreReadWhileASaveIsUnderWay) {
  const auto store = Open();
  std::vector<StateChange> kept;
  for (int i = 0; i < 50; ++i) kept.push_back({"s", absl::StrCat("kept", i), absl::StrCat(i)});
  ASSERT_TRUE(store->Save(KeyOf(1), "", kept).ok());
  std::atomic<bool> done = false;
  std::thread saver([&] {
    for (uint64_t sequence = 2; sequence < 12; ++sequence) {
      std::vector<StateChange> changes;
      for (int i = 0; i < 50; ++i) {
        changes.push_back({"s", absl::StrCat("other", i), absl::StrCat(sequence)});
      }
      EXPECT_TRUE(store->Save(KeyOf(sequence), "", changes).ok());
    }
    done = true;
  });
  while (!done) {
    for (int i = 0; i < 50; ++i) {
      std::string value;
      EXPECT_TRUE(store->saved()->Get("s", absl::StrCat("kept", i), value).ok());
      EXPECT_EQ(value, absl::StrCat(i));
    }
  }
  saver.join();
}

}  // namespace
}  // namespace streamml::state
