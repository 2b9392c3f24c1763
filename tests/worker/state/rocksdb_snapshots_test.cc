#include "worker/state/rocksdb/rocksdb_snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/posix_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/state/snapshot_model.h"
#include "worker/state/snapshot_format.h"

namespace streamml::state {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// The real disk until `operations` more changes; then nothing changes any more, as if the process
// had been killed (what was written stays, synced or not).
class DyingDisk final : public Disk {
 public:
  explicit DyingDisk(uint64_t operations) : left_(operations) {}
  uint64_t num_operations() const { return done_; }

  absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) override {
    if (!Step()) return Dead();
    return real_->OpenForAppend(path);
  }
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) override {
    return real_->OpenForRead(path);
  }
  absl::Status Truncate(const std::string& path, uint64_t size) override {
    return Step() ? real_->Truncate(path, size) : Dead();
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return Step() ? real_->Rename(from, to) : Dead();
  }
  absl::Status Remove(const std::string& path) override {
    return Step() ? real_->Remove(path) : Dead();
  }
  absl::Status MakeDirectories(const std::string& path) override {
    return Step() ? real_->MakeDirectories(path) : Dead();
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return real_->List(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return Step() ? real_->SyncDirectory(path) : Dead();
  }
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) override {
    return real_->Lock(path);
  }

 private:
  static absl::Status Dead() { return absl::UnavailableError("killed"); }
  bool Step() {
    if (left_ == 0) return false;
    --left_;
    ++done_;
    return true;
  }

  std::unique_ptr<Disk> real_ = MakePosixDisk();
  uint64_t left_;
  uint64_t done_ = 0;
};

std::unique_ptr<SnapshotStore> Open(Disk& disk, const std::string& folder) {
  auto store = MakeRocksDbSnapshots(disk, folder);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

std::vector<StateChange> ChangesOf(uint64_t sequence) {
  support::Random random(sequence);
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

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  ASSERT_TRUE(out.good());
}

// Two snapshots, saved and closed.
class DamagedSnapshot : public testing::Test {
 protected:
  void SetUp() override {
    const auto store = Open(*disk_, folder_.path());
    for (uint64_t sequence = 1; sequence <= 2; ++sequence)
      ASSERT_TRUE(SaveNumber(*store, sequence).ok());
    for (const auto& entry : std::filesystem::directory_iterator(SnapshotFolder(2))) {
      files_.push_back(entry.path().string());
    }
    std::sort(files_.begin(), files_.end());
    // Tables are shared with the older snapshot and the working copy; the damage is to be this
    // one's alone.
    for (const std::string& path : files_) {
      const std::string whole = ReadBytes(path);
      std::filesystem::remove(path);
      WriteBytes(path, whole);
    }
    ASSERT_GE(files_.size(), 5U);  // CURRENT, MANIFEST, OPTIONS, STREAMML and tables
  }
  std::string SnapshotFolder(uint64_t sequence) const {
    return folder_.path() + "/snapshots/" + SnapshotName(KeyOf(sequence));
  }
  // The snapshot 2 is left out with a problem, or its Restore is refused; nothing in between.
  void ExpectRefused() {
    const auto store = Open(*disk_, folder_.path());
    std::vector<std::string> problems;
    const auto infos = store->List(problems);
    ASSERT_TRUE(infos.ok()) << infos.status();
    for (const std::string& problem : problems) EXPECT_THAT(problem, HasSubstr(SnapshotFolder(2)));
    const auto restored = RestoreAll(*store, KeyOf(2));
    EXPECT_TRUE(absl::IsDataLoss(restored.status())) << restored.status();
    EXPECT_THAT(std::string(restored.status().message()), HasSubstr(SnapshotFolder(2)));
    EXPECT_EQ(infos->size() + problems.size(), 2U);
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Disk> disk_ = MakePosixDisk();
  std::vector<std::string> files_;
};

TEST_F(DamagedSnapshot, AnyFlippedBitIsRefused) {
  for (const std::string& path : files_) {
    const std::string whole = ReadBytes(path);
    const size_t step = 1 + whole.size() / 150;
    for (size_t i = 0; i < whole.size(); i += step) {
      SCOPED_TRACE(testing::Message() << path << " byte " << i);
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      WriteBytes(path, flipped);
      ExpectRefused();
      if (HasFailure()) return;
    }
    WriteBytes(path, whole);
  }
  const auto store = Open(*disk_, folder_.path());
  EXPECT_EQ(*RestoreAll(*store, KeyOf(2)), ContentsAt(2));
}

TEST_F(DamagedSnapshot, AnyTruncatedGrownOrMissingFileIsLeftOutOfTheList) {
  for (const std::string& path : files_) {
    const std::string whole = ReadBytes(path);
    const auto expect_unlisted = [&] {
      ExpectRefused();
      std::vector<std::string> problems;
      EXPECT_THAT(*Open(*disk_, folder_.path())->List(problems), SizeIs(1));
    };
    for (const size_t size : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 1}) {
      if (size >= whole.size()) continue;  // the database's own log is empty
      SCOPED_TRACE(testing::Message() << path << " cut to " << size);
      WriteBytes(path, whole.substr(0, size));
      expect_unlisted();
    }
    SCOPED_TRACE(path);
    WriteBytes(path, whole + "x");
    expect_unlisted();
    std::filesystem::remove(path);
    expect_unlisted();
    WriteBytes(path, whole);
  }
}

TEST_F(DamagedSnapshot, OlderSnapshotServesAndTheDamagedOneIsRemoved) {
  WriteBytes(SnapshotFolder(2) + "/STREAMML", "");
  const auto store = Open(*disk_, folder_.path());
  EXPECT_EQ(*RestoreAll(*store, KeyOf(1)), ContentsAt(1));
  EXPECT_TRUE(std::filesystem::exists(SnapshotFolder(2)));
  ASSERT_TRUE(SaveNumber(*store, 2).ok());
  EXPECT_EQ(*RestoreAll(*store, KeyOf(2)), ContentsAt(2));
}

TEST(RocksDbSnapshots, KillAtEveryStepLeavesTheLastAcknowledgedSnapshotOrTheNext) {
  constexpr uint64_t kEnough = 1000000;
  uint64_t num_steps = 0;
  {
    const support::TemporaryFolder folder;
    DyingDisk disk(kEnough);
    const auto store = Open(disk, folder.path());
    for (uint64_t sequence = 1; sequence <= 3; ++sequence)
      ASSERT_TRUE(SaveNumber(*store, sequence).ok());
    num_steps = disk.num_operations();
  }
  ASSERT_GT(num_steps, 20U);
  for (uint64_t step = 1; step <= num_steps; ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    const support::TemporaryFolder folder;
    uint64_t acknowledged = 0;
    {
      DyingDisk disk(step);
      const auto store = Open(disk, folder.path());
      while (acknowledged < 3 && SaveNumber(*store, acknowledged + 1).ok()) ++acknowledged;
    }
    DyingDisk disk(kEnough);
    auto store = Open(disk, folder.path());
    const auto infos = ListAll(*store);
    const uint64_t newest = infos.empty() ? 0 : infos[0].key.sequence;
    ASSERT_TRUE(newest == acknowledged || newest == acknowledged + 1)
        << newest << " " << acknowledged;
    if (newest > 0) {
      ASSERT_EQ(*RestoreAll(*store, KeyOf(newest)), ContentsAt(newest));
    }
    const auto digest = store->Save(KeyOf(newest + 1), "", ChangesOf(newest + 1));
    ASSERT_TRUE(digest.ok()) << digest.status();
    ASSERT_EQ(*digest, DigestOf(ContentsAt(newest + 1)));
    std::vector<std::string> names = *disk.List(folder.path() + "/snapshots");
    ASSERT_THAT(names, SizeIs(std::min<uint64_t>(newest + 1, 2)));
  }
}

TEST(RocksDbSnapshots, TablesAreSharedWithTheWorkingCopy) {
  const support::TemporaryFolder folder;
  const auto disk = MakePosixDisk();
  const auto store = Open(*disk, folder.path());
  ASSERT_TRUE(SaveNumber(*store, 1).ok());
  int num_tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() + "/snapshots/" +
                                                               SnapshotName(KeyOf(1)))) {
    if (entry.path().extension() != ".sst") continue;
    ++num_tables;
    EXPECT_EQ(std::filesystem::hard_link_count(entry.path()), 2U);
  }
  EXPECT_EQ(num_tables, 1);
}

TEST(RocksDbSnapshots, FolderThatCannotBeMadeIsAnError) {
  const auto disk = MakePosixDisk();
  EXPECT_FALSE(MakeRocksDbSnapshots(*disk, "/dev/null/lane").ok());
}

TEST(RocksDbSnapshots, TooManyOpenFilesAreToldAsSuchWhereverTheyStrike) {
  const support::TemporaryFolder folder;
  const auto disk = MakePosixDisk();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const size_t open = disk->List("/proc/self/fd")->size();
  bool failed_once = false;
  for (rlim_t more = 0; more < 40; ++more) {
    const auto store = Open(*disk, folder.path() + "/" + std::to_string(more));
    const rlimit few{open + more, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    absl::Status status = SaveNumber(*store, 1);
    if (status.ok()) status = RestoreAll(*store, KeyOf(1)).status();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    failed_once = failed_once || !status.ok();
    if (status.ok()) continue;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << more << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ulimit -n")) << more;
  }
  EXPECT_TRUE(failed_once);
}

TEST(RocksDbSnapshots, NameOfAStateThatIsTooLongIsRefused) {
  const support::TemporaryFolder folder;
  const auto disk = MakePosixDisk();
  const auto store = Open(*disk, folder.path());
  const absl::Status status =
      store->Save(KeyOf(1), "", {{std::string(65536, 's'), "k", "v"}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("65536 bytes, 65535 are allowed"));
}

}  // namespace
}  // namespace streamml::state
