#include "base/disk.h"

#include <dirent.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/posix_disk.h"
#include "tests/support/temporary_folder.h"

namespace {
int g_entries_before_error = -1;  // of a folder that is read; negative: no error
}  // namespace

// Stands in front of the C library's, which has no way to fail that a test could bring about.
extern "C" dirent* readdir(DIR* directory) {
  using Function = dirent* (*)(DIR*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "readdir"));
  if (g_entries_before_error == 0) {
    errno = EIO;
    return nullptr;
  }
  if (g_entries_before_error > 0) --g_entries_before_error;
  return real(directory);
}

namespace streamml {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PosixDiskTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::unique_ptr<AppendFile> Open(const std::string& name) {
    auto file = disk_->OpenForAppend(Path(name));
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Disk> disk_ = MakePosixDisk();
};

TEST_F(PosixDiskTest, AppendedBytesAreReadBackAcrossOpenings) {
  {
    const auto file = Open("f");
    ASSERT_TRUE(file->Append("ab").ok());
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_EQ(file->size(), 2U);
  }
  const auto file = Open("f");
  EXPECT_EQ(file->size(), 2U);
  ASSERT_TRUE(file->Append(std::string_view("c\0d", 3)).ok());
  EXPECT_EQ(file->size(), 5U);
  EXPECT_EQ(*ReadWhole(*disk_, Path("f")), std::string("abc\0d", 5));
}

TEST_F(PosixDiskTest, ReaderSeesWhatIsAppendedMeanwhileAndStopsAtTheEnd) {
  const auto file = Open("f");
  const auto reader = *disk_->OpenForRead(Path("f"));
  EXPECT_EQ(*reader->Size(), 0U);
  ASSERT_TRUE(file->Append("abcdef").ok());
  EXPECT_EQ(*reader->Size(), 6U);
  std::string bytes = "old";
  ASSERT_TRUE(reader->ReadAt(2, 3, bytes).ok());
  EXPECT_EQ(bytes, "cde");
  ASSERT_TRUE(reader->ReadAt(4, 100, bytes).ok());
  EXPECT_EQ(bytes, "ef");
  ASSERT_TRUE(reader->ReadAt(6, 1, bytes).ok());
  EXPECT_EQ(bytes, "");
}

TEST_F(PosixDiskTest, TruncateCutsAndAppendingGoesOnThere) {
  ASSERT_TRUE(Open("f")->Append("abcdef").ok());
  ASSERT_TRUE(disk_->Truncate(Path("f"), 2).ok());
  ASSERT_TRUE(Open("f")->Append("X").ok());
  EXPECT_EQ(*ReadWhole(*disk_, Path("f")), "abX");
}

TEST_F(PosixDiskTest, WriteWholeReplacesAndLeavesNothingElse) {
  ASSERT_TRUE(WriteWhole(*disk_, Path("f"), "one").ok());
  ASSERT_TRUE(Open("f.tmp")->Append("remains of a crash").ok());
  ASSERT_TRUE(WriteWhole(*disk_, Path("f"), "two").ok());
  EXPECT_EQ(*ReadWhole(*disk_, Path("f")), "two");
  EXPECT_THAT(*disk_->List(folder_.path()), ElementsAre("f"));
}

TEST_F(PosixDiskTest, ListIsSortedAndEmptyForAMissingFolder) {
  ASSERT_TRUE(disk_->MakeDirectories(Path("b/c")).ok());
  ASSERT_TRUE(disk_->MakeDirectories(Path("b/c")).ok());
  Open("c");
  Open("a");
  EXPECT_THAT(*disk_->List(folder_.path()), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*disk_->List(Path("none")), IsEmpty());
}

// The log was begun anew over the old one when its folder seemed to be empty.
TEST_F(PosixDiskTest, AFolderThatCannotBeReadToItsEndIsAnErrorNotItsEnd) {
  Open("a");
  Open("b");
  for (const int entries : {0, 1, 3}) {
    g_entries_before_error = entries;
    const absl::Status status = disk_->List(folder_.path()).status();
    g_entries_before_error = -1;
    EXPECT_TRUE(absl::IsUnavailable(status)) << entries << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(folder_.path()));
  }
}

TEST_F(PosixDiskTest, AFolderThatIsThereMayStandInOneThatCannotBeReadOrSynced) {
  const absl::Status made = disk_->MakeDirectories("/proc/self");
  EXPECT_TRUE(made.ok()) << made;  // syncing /proc is EINVAL
  if (geteuid() != 0) GTEST_SKIP() << "the rest needs root rights";
  ASSERT_EQ(chmod(folder_.path().c_str(), 0711), 0);
  ASSERT_TRUE(disk_->MakeDirectories(Path("ours")).ok());
  ASSERT_EQ(chmod(Path("ours").c_str(), 0777), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const absl::Status inner = disk_->MakeDirectories(Path("ours/inner"));
  const absl::Status outer = disk_->MakeDirectories(Path("other"));
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_TRUE(inner.ok()) << inner;
  EXPECT_TRUE(absl::IsPermissionDenied(outer)) << outer;
}

TEST_F(PosixDiskTest, TooManyOpenFilesAreToldWithTheLimit) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = disk_->OpenForAppend(Path("f")).status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("ulimit -n"));
}

TEST_F(PosixDiskTest, WhatIsMissingIsNotFoundWithItsPath) {
  const absl::Status status = disk_->OpenForRead(Path("none")).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(Path("none")));
  EXPECT_TRUE(absl::IsNotFound(disk_->OpenForAppend(Path("none/f")).status()));
  EXPECT_TRUE(absl::IsNotFound(disk_->Truncate(Path("none"), 0)));
  EXPECT_TRUE(absl::IsNotFound(disk_->Rename(Path("none"), Path("f"))));
  EXPECT_TRUE(absl::IsNotFound(disk_->SyncDirectory(Path("none"))));
  EXPECT_TRUE(disk_->Remove(Path("none")).ok());
}

TEST_F(PosixDiskTest, FullDiskIsResourceExhausted) {
  const absl::StatusOr<std::unique_ptr<AppendFile>> full = disk_->OpenForAppend("/dev/full");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_TRUE(absl::IsResourceExhausted((*full)->Append("x")));
}

TEST_F(PosixDiskTest, FileInPlaceOfAFolderIsAnError) {
  Open("f");
  EXPECT_FALSE(disk_->MakeDirectories(Path("f")).ok());
  EXPECT_FALSE(disk_->MakeDirectories(Path("f/g")).ok());
  EXPECT_FALSE(disk_->Remove(folder_.path()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(disk_->OpenForAppend(Path("f/g")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(disk_->OpenForAppend(folder_.path()).status()));
}

TEST_F(PosixDiskTest, LockIsExclusiveUntilReleased) {
  auto first = disk_->Lock(Path("lock"));
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = disk_->Lock(Path("lock")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  first->reset();
  EXPECT_TRUE(disk_->Lock(Path("lock")).ok());
}

TEST(ParentDirectory, IsWhatComesBeforeTheLastSlash) {
  EXPECT_EQ(ParentDirectory("/a/b"), "/a");
  EXPECT_EQ(ParentDirectory("/a"), "/");
  EXPECT_EQ(ParentDirectory("a"), ".");
  EXPECT_EQ(ParentDirectory("a/b/c"), "a/b");
}

}  // namespace
}  // namespace streamml
