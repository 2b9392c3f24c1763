// What StoredSnapshots promises beyond the laws of snapshots (snapshots_test.cc runs them over it).
#include "worker/state/store/stored_snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/support/manual_clock.h"
#include "tests/support/model_disk.h"
#include "tests/worker/state/snapshot_model.h"
#include "worker/state/plain_snapshots.h"
#include "worker/state/snapshot_format.h"
#include "worker/state/store/folder_store.h"

namespace streamml::state {
namespace {

using support::ManualClock;
using support::ModelDisk;
using support::Random;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kGraceUs = 1'000'000;

std::vector<StateChange> ChangesOf(uint64_t sequence) {
  Random random(sequence);
  return RandomChanges(random, 15);
}

Contents ContentsAt(uint64_t sequence) {
  Contents contents;
  for (uint64_t i = 1; i <= sequence; ++i) Apply(ChangesOf(i), contents);
  return contents;
}

absl::Status SaveNumber(SnapshotStore& store, uint64_t sequence) {
  return store.Save(KeyOf(sequence), "engine", ChangesOf(sequence)).status();
}

// A store that is away when it is told to be.
class FailingStore final : public ObjectStore {
 public:
  explicit FailingStore(ObjectStore& real) : real_(real) {}
  std::atomic<bool> is_away{false};

  absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) override {
    RETURN_IF_ERROR(Begin());
    return real_.Put(key, body, mode);
  }
  absl::Status Get(const std::string& key, const ReceiveFunction& receive) override {
    RETURN_IF_ERROR(Begin());
    return real_.Get(key, receive);
  }
  absl::StatusOr<uint64_t> Size(const std::string& key) override {
    RETURN_IF_ERROR(Begin());
    return real_.Size(key);
  }
  absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) override {
    RETURN_IF_ERROR(Begin());
    return real_.List(folder, from);
  }
  absl::Status Delete(const std::string& key) override {
    RETURN_IF_ERROR(Begin());
    return real_.Delete(key);
  }

 private:
  absl::Status Begin() {
    return is_away ? absl::UnavailableError("the store is away") : absl::OkStatus();
  }

  ObjectStore& real_;
};

// An owner of the lane with a disk of its own.
struct Owner {
  Owner(ObjectStore& real, Clock& clock, StoredSnapshotsOptions::Uploads uploads)
      : objects(real),
        store(MakeStoredSnapshots(MakePlainSnapshots(disk, "/lane"), disk, objects, clock,
                                  {.prefix = "job/3/",
                                   .upload_interval_us = 0,
                                   .grace_us = kGraceUs,
                                   .uploads = uploads})) {}
  Owner(ObjectStore& real, Clock& clock)
      : Owner(real, clock, StoredSnapshotsOptions::Uploads::kByHand) {}

  ModelDisk disk;
  FailingStore objects;
  std::unique_ptr<StoredSnapshots> store;
};

class StoredSnapshotsTest : public testing::Test {
 protected:
  // A few looks, so that what nobody needs is gone.
  void Settle(Owner& owner) {
    for (int look = 0; look < 5; ++look) {
      clock_.Advance(kGraceUs + 1);
      const absl::Status status = owner.store->UploadNow();
      EXPECT_TRUE(status.ok()) << status;
    }
  }
  size_t NumObjects(const std::string& folder) {
    return ListAll(*shared_, absl::StrCat("job/3/", folder, "/"))->size();
  }
  // Every stored snapshot is whole, for a worker that has nothing.
  void ExpectAllRestorable() {
    Owner reader(*shared_, clock_);
    for (const SnapshotInfo& info : ListAll(*reader.store)) {
      Owner fresh(*shared_, clock_);
      const auto restored = RestoreAll(*fresh.store, info.key);
      ASSERT_TRUE(restored.ok()) << info.key.sequence << ": " << restored.status();
      EXPECT_EQ(*restored, ContentsAt(info.key.sequence));
    }
  }

  ManualClock clock_;
  ModelDisk shared_disk_;
  std::unique_ptr<ObjectStore> shared_ = MakeFolderStore(shared_disk_, "/shared");
};

TEST_F(StoredSnapshotsTest, OutageOfTheStoreIsSurvivedAndCaughtUpWith) {
  Owner owner(*shared_, clock_);
  ASSERT_TRUE(SaveNumber(*owner.store, 1).ok());
  ASSERT_TRUE(owner.store->UploadNow().ok());
  owner.objects.is_away = true;
  const int64_t since_us = clock_.MonotonicMicroseconds();
  for (uint64_t sequence = 2; sequence <= 50; ++sequence) {
    ASSERT_TRUE(SaveNumber(*owner.store, sequence).ok());
    EXPECT_TRUE(absl::IsUnavailable(owner.store->UploadNow()));
    clock_.Advance(60'000'000);
  }
  UploadStatus status = owner.store->upload_status();
  EXPECT_EQ(status.num_pending, 49U);
  EXPECT_EQ(status.since_us, since_us);
  EXPECT_THAT(status.problem, HasSubstr("the store is away"));
  EXPECT_EQ(status.newest, KeyOf(1));
  EXPECT_LE(owner.disk.Files().size(), 3U);  // the two newest, and one that may still be read
  std::vector<std::string> problems;
  EXPECT_THAT(*owner.store->List(problems), SizeIs(testing::Ge(2U)));
  EXPECT_THAT(problems, SizeIs(1));
  owner.objects.is_away = false;
  ASSERT_TRUE(owner.store->UploadNow().ok());
  status = owner.store->upload_status();
  EXPECT_EQ(status.num_pending, 0U);
  EXPECT_EQ(status.problem, "");
  EXPECT_EQ(status.newest, KeyOf(50));
  ExpectAllRestorable();
}

TEST_F(StoredSnapshotsTest, LaneWithoutSnapshotsDoesNotBeginAnewBecauseTheStoreIsAway) {
  Owner owner(*shared_, clock_);
  owner.objects.is_away = true;
  std::vector<std::string> problems;
  EXPECT_TRUE(absl::IsUnavailable(owner.store->List(problems).status()));
}

// One that does not know yet that it was replaced looks at the store, too.
TEST_F(StoredSnapshotsTest, WhatALaterOwnerSavesStaysForAnEarlierOne) {
  Owner earlier(*shared_, clock_);
  ASSERT_TRUE(earlier.store->Clear().ok());  // as one that begins
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    ASSERT_TRUE(SaveNumber(*earlier.store, sequence).ok());
    ASSERT_TRUE(earlier.store->UploadNow().ok());
  }
  Owner later(*shared_, clock_);
  ASSERT_TRUE(RestoreAll(*later.store, KeyOf(3)).ok());
  for (uint64_t sequence = 4; sequence <= 5; ++sequence) {
    ASSERT_TRUE(SaveNumber(*later.store, sequence).ok());
    ASSERT_TRUE(later.store->UploadNow().ok());
  }
  Settle(earlier);
  Owner reader(*shared_, clock_);
  EXPECT_EQ(ListAll(*reader.store).front().key, KeyOf(5));
  ExpectAllRestorable();
}

TEST_F(StoredSnapshotsTest, WhoCannotAskTheStoreSaysThatSomeMayBeMissing) {
  Owner owner(*shared_, clock_);
  ASSERT_TRUE(SaveNumber(*owner.store, 1).ok());
  std::vector<std::string> problems;
  ASSERT_TRUE(owner.store->List(problems).ok());
  EXPECT_TRUE(owner.store->listed_all().ok());
  owner.objects.is_away = true;
  ASSERT_TRUE(owner.store->List(problems).ok());
  EXPECT_TRUE(absl::IsUnavailable(owner.store->listed_all()));
}

TEST_F(StoredSnapshotsTest, OnlyTheNewestAndThePinnedStayAndNoFileOfOthers) {
  Owner owner(*shared_, clock_);
  for (uint64_t sequence = 1; sequence <= 6; ++sequence) {
    ASSERT_TRUE(SaveNumber(*owner.store, sequence).ok());
    ASSERT_TRUE(owner.store->UploadNow().ok());
    if (sequence == 2) {
      ASSERT_TRUE(owner.store->Pin(KeyOf(2), "before-migration").ok());
    }
  }
  EXPECT_TRUE(absl::IsNotFound(owner.store->Pin(KeyOf(9), "none")));
  Settle(owner);
  EXPECT_EQ(NumObjects("manifests"), 3U);
  EXPECT_EQ(NumObjects("files"), 3U);
  EXPECT_EQ(NumObjects("uploads"), 0U);
  ExpectAllRestorable();
  ASSERT_TRUE(owner.store->Unpin(KeyOf(2), "before-migration").ok());
  Settle(owner);
  EXPECT_EQ(NumObjects("manifests"), 2U);
  EXPECT_EQ(NumObjects("files"), 2U);
}

TEST_F(StoredSnapshotsTest, SnapshotsUnknownToTheJournalGoWhenTheOwnerHasShownItself) {
  Owner first(*shared_, clock_);
  ASSERT_TRUE(SaveNumber(*first.store, 1).ok());
  ASSERT_TRUE(first.store->UploadNow().ok());
  const SnapshotKey unknown{2, Hash128("another history")};
  ASSERT_TRUE(first.store->Save(unknown, "", {}).ok());
  ASSERT_TRUE(first.store->UploadNow().ok());
  Owner second(*shared_, clock_);
  ASSERT_TRUE(RestoreAll(*second.store, KeyOf(1)).ok());
  EXPECT_THAT(ListAll(*second.store), SizeIs(2));  // what replay will say is not known yet
  ASSERT_TRUE(SaveNumber(*second.store, 2).ok());
  EXPECT_THAT(ListAll(*second.store), SizeIs(2));
  EXPECT_EQ(ListAll(*second.store)[1].key, KeyOf(1));
  Settle(second);
  EXPECT_EQ(NumObjects("manifests"), 3U);  // it may be the one that is late
  ASSERT_TRUE(SaveNumber(*second.store, 3).ok());
  Settle(second);
  EXPECT_EQ(NumObjects("manifests"), 2U);
  ExpectAllRestorable();
}

TEST_F(StoredSnapshotsTest, CrashAtEveryStepOfAnUploadLosesNoStoredSnapshot) {
  uint64_t num_steps = 0;
  for (uint64_t step = 0; step <= num_steps; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    ModelDisk shared_disk;
    shared_ = MakeFolderStore(shared_disk, "/shared");
    auto owner = std::make_unique<Owner>(*shared_, clock_);
    ASSERT_TRUE(SaveNumber(*owner->store, 1).ok());
    ASSERT_TRUE(owner->store->UploadNow().ok());
    ASSERT_TRUE(SaveNumber(*owner->store, 2).ok());
    const uint64_t before = shared_disk.num_operations();
    if (num_steps > 0) shared_disk.FailAfter(step);
    const bool is_uploaded = owner->store->UploadNow().ok();
    if (num_steps == 0) num_steps = shared_disk.num_operations() - before;
    Random random(step);
    shared_disk.Crash(random);
    ExpectAllRestorable();
    Owner next(*shared_, clock_);
    const auto infos = ListAll(*next.store);
    ASSERT_FALSE(infos.empty());
    const uint64_t newest = infos[0].key.sequence;
    EXPECT_TRUE(newest == 2 || (newest == 1 && !is_uploaded));
    // What was left is cleaned up.
    ASSERT_TRUE(RestoreAll(*next.store, infos[0].key).ok());
    for (uint64_t sequence = newest + 1; sequence <= newest + 3; ++sequence) {
      ASSERT_TRUE(SaveNumber(*next.store, sequence).ok());
      ASSERT_TRUE(next.store->UploadNow().ok());
    }
    Settle(next);
    EXPECT_EQ(NumObjects("manifests"), 2U);
    EXPECT_EQ(NumObjects("files"), 2U);
    EXPECT_EQ(NumObjects("uploads"), 0U);
    if (HasFailure()) return;
  }
  EXPECT_GT(num_steps, 10U);
}

TEST_F(StoredSnapshotsTest, ThreadUploadsByItselfAndEndsWithTheStore) {
  Owner owner(*shared_, SystemClock(), StoredSnapshotsOptions::Uploads::kThread);
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    ASSERT_TRUE(SaveNumber(*owner.store, sequence).ok());
  }
  owner.store->FinishUploads(60'000'000);
  EXPECT_EQ(owner.store->upload_status().num_pending, 0U);
  EXPECT_EQ(owner.store->upload_status().newest, KeyOf(20));
  owner.objects.is_away = true;
  ASSERT_TRUE(SaveNumber(*owner.store, 21).ok());
  owner.store->FinishUploads(60'000'000);  // ends with the failure, not with the time
  EXPECT_EQ(owner.store->upload_status().num_pending, 1U);
}

}  // namespace
}  // namespace streamml::state
