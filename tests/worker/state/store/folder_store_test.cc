#include "worker/state/store/folder_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/posix_disk.h"
#include "tests/support/model_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/state/store/object_store_laws.h"

namespace streamml::state {
namespace {

using support::DiskAction;
using support::DiskOperation;
using support::ModelDisk;
using support::Random;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A store with its disk.
template <typename DiskType>
class OwnedStore final : public ObjectStore {
 public:
  OwnedStore(std::unique_ptr<DiskType> disk, const std::string& folder)
      : disk_(std::move(disk)), store_(MakeFolderStore(*disk_, folder)) {}
  absl::Status Put(const std::string& key, const ReadFile& body, PutMode mode) override {
    return store_->Put(key, body, mode);
  }
  absl::Status Get(const std::string& key, const ReceiveFunction& receive) override {
    return store_->Get(key, receive);
  }
  absl::StatusOr<uint64_t> Size(const std::string& key) override { return store_->Size(key); }
  absl::StatusOr<ObjectPage> List(const std::string& folder, const std::string& from) override {
    return store_->List(folder, from);
  }
  absl::Status Delete(const std::string& key) override { return store_->Delete(key); }

 private:
  std::unique_ptr<DiskType> disk_;
  std::unique_ptr<ObjectStore> store_;
};

std::unique_ptr<ObjectStore> OnModelDisk() {
  return std::make_unique<OwnedStore<ModelDisk>>(std::make_unique<ModelDisk>(), "/shared/store");
}

// The folder lives as long as the program.
std::unique_ptr<ObjectStore> OnRealDisk() {
  static support::TemporaryFolder folder;
  static int number = 0;
  return std::make_unique<OwnedStore<Disk>>(MakePosixDisk(),
                                            absl::StrCat(folder.path(), "/", number++, "/store"));
}

INSTANTIATE_TEST_SUITE_P(Folder, ObjectStoreLaws,
                         testing::Values(ObjectStoreKind{"ModelDisk", OnModelDisk},
                                         ObjectStoreKind{"RealDisk", OnRealDisk}),
                         [](const auto& kind) { return kind.param.name; });

std::optional<std::string> Read(ObjectStore& store, const std::string& key) {
  const auto bytes = GetBytes(store, key, 1 << 20);
  if (absl::IsNotFound(bytes.status())) return std::nullopt;
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("?");
}

// Kills: a store that does not sync the file or the folder, or does not write beside first.
TEST(FolderStore, CrashAtEveryStepLeavesTheOldContentOrTheNew) {
  uint64_t num_steps = 0;
  {
    ModelDisk disk;
    const auto store = MakeFolderStore(disk, "/s");
    ASSERT_TRUE(PutBytes(*store, "a/k", "old", PutMode::kReplace).ok());
    num_steps = disk.num_operations();
    ASSERT_TRUE(PutBytes(*store, "a/k", "new", PutMode::kReplace).ok());
    num_steps = disk.num_operations() - num_steps;
  }
  ASSERT_GE(num_steps, 5U);
  for (uint64_t step = 0; step <= num_steps; ++step) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "step " << step << " seed " << seed);
      Random random(seed);
      ModelDisk disk;
      const auto store = MakeFolderStore(disk, "/s");
      ASSERT_TRUE(PutBytes(*store, "a/k", "old", PutMode::kReplace).ok());
      disk.FailAfter(step);
      const absl::Status status = PutBytes(*store, "a/k", "new", PutMode::kReplace);
      disk.Crash(random);
      const std::optional<std::string> content = Read(*store, "a/k");
      if (status.ok()) {
        EXPECT_EQ(content, "new");
      } else {
        EXPECT_TRUE(content == "old" || content == "new") << content.value_or("nothing");
      }
      const std::vector<std::string> keys = *ListAll(*store, "a/");
      for (const std::string& key : keys) {
        EXPECT_TRUE(key == "a/k" || key.ends_with(kTemporaryObjectSuffix)) << key;
      }
    }
  }
}

TEST(FolderStore, AnyDamageOfAnObjectIsDataLoss) {
  ModelDisk disk;
  const auto store = MakeFolderStore(disk, "/s");
  ASSERT_TRUE(PutBytes(*store, "a/k", "some content", PutMode::kReplace).ok());
  const std::string whole = *ReadWhole(disk, "/s/a/k");
  const auto expect_loss = [&](const std::string& damaged) {
    ASSERT_TRUE(disk.Overwrite("/s/a/k", damaged).ok());
    const absl::Status status = GetBytes(*store, "a/k", 1000).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/s/a/k"));
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "byte " << i);
    expect_loss(whole.substr(0, i));
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    expect_loss(flipped);
  }
  expect_loss(whole + "x");
  // A damaged object is in nobody's way.
  ASSERT_TRUE(PutBytes(*store, "a/k", "other content", PutMode::kIfNew).ok() ||
              PutBytes(*store, "a/k", "other content", PutMode::kReplace).ok());
  EXPECT_EQ(Read(*store, "a/k"), "other content");
}

TEST(FolderStore, FullDiskIsReportedAndLeavesNoRemains) {
  for (const char* full : {"create", "append", "sync", "make directories"}) {
    ModelDisk disk;
    const auto store = MakeFolderStore(disk, "/s");
    disk.SetHook([full](const DiskOperation& operation) {
      return operation.name == full ? DiskAction::kFull : DiskAction::kProceed;
    });
    const absl::Status status = PutBytes(*store, "a/k", "content", PutMode::kReplace);
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << full << ": " << status;
    EXPECT_THAT(disk.Files(), IsEmpty()) << full;
    disk.SetHook(nullptr);
    EXPECT_TRUE(PutBytes(*store, "a/k", "content", PutMode::kReplace).ok());
  }
}

TEST(FolderStore, LongListComesInPages) {
  ModelDisk disk;
  const auto store = MakeFolderStore(disk, "/s");
  for (int i = 0; i < 2500; ++i) {
    ASSERT_TRUE(PutBytes(*store, absl::StrCat("a/", i), "", PutMode::kReplace).ok());
  }
  const auto first = store->List("a/", "");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(first->keys, SizeIs(1000));
  EXPECT_FALSE(first->next.empty());
  EXPECT_THAT(*ListAll(*store, "a/"), SizeIs(2500));
}

}  // namespace
}  // namespace streamml::state
