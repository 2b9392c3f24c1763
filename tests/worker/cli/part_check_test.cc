#include "worker/cli/part_check.h"

#include <filesystem>

#include "base/posix_disk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace streamml::cli {
namespace {

using Outcome = PartCheck::Outcome;

class PartCheckTest : public testing::Test {
 protected:
  void Store(const std::string& bytes) { ASSERT_TRUE(WriteWhole(*disk_, path_, bytes).ok()); }
  std::string Stored() { return ReadWhole(*disk_, path_).value_or("(none)"); }
  PartCheck Open() { return PartCheck::Open(*disk_, path_).value(); }
  // Gives the bytes in pieces of two, so that pieces lie across the end of the stored file.
  static void Give(PartCheck& check, std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); i += 2)
      ASSERT_TRUE(check.Receive(bytes.substr(i, 2)).ok());
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Disk> disk_ = MakePosixDisk();
  std::string path_ = folder_.path() + "/sink/part-00000.jsonl";

  void SetUp() override { ASSERT_TRUE(disk_->MakeDirectories(folder_.path() + "/sink").ok()); }
};

TEST_F(PartCheckTest, EqualFileIsLeftAlone) {
  Store("abcdefg");
  PartCheck check = Open();
  Give(check, "abcdefg");
  EXPECT_EQ(check.Finish().value(), Outcome::kEqual);
  EXPECT_EQ(check.uncommitted_bytes(), 0u);
}

TEST_F(PartCheckTest, BytesThatWereNeverCommittedAreCountedAndKept) {
  Store("abcdefgXYZ");
  PartCheck check = Open();
  Give(check, "abcdefg");
  EXPECT_EQ(check.Finish().value(), Outcome::kEqual);
  EXPECT_EQ(check.uncommitted_bytes(), 3u);
  EXPECT_EQ(Stored(), "abcdefgXYZ");
}

// The digest of lines, as a lane keeps it.
Digest LinesDigest(const std::vector<std::string>& lines) {
  Digest digest;
  for (const std::string& line : lines) digest.Chain(line);
  return digest;
}

TEST_F(PartCheckTest, SkippedBytesAreComparedByTheirDigestAndKept) {
  Store("a\nbc\ndef");
  PartCheck check = Open();
  ASSERT_TRUE(check.Skip(5, LinesDigest({"a\n", "bc\n"})).ok());
  Give(check, "defg\n");
  EXPECT_EQ(check.Finish().value(), Outcome::kWritten);
  EXPECT_EQ(Stored(), "a\nbc\ndefg\n");
}

TEST_F(PartCheckTest, WhatWasSkippedAndIsNotWhatItWasIsLostAndLeftAlone) {
  for (const char* stored : {"", "a\nb", "a\nbX\ndef", "a\nbcd\n"}) {
    Store(stored);
    PartCheck check = Open();
    ASSERT_TRUE(check.Skip(5, LinesDigest({"a\n", "bc\n"})).ok());
    Give(check, "defg\n");
    EXPECT_EQ(check.Finish().value(), Outcome::kLost) << stored;
    EXPECT_EQ(Stored(), stored);
  }
}

TEST_F(PartCheckTest, MissingFileIsWritten) {
  std::filesystem::remove_all(folder_.path() + "/sink");
  PartCheck check = Open();
  Give(check, "abcdefg");
  EXPECT_EQ(check.Finish().value(), Outcome::kWritten);
  EXPECT_EQ(Stored(), "abcdefg");
}

TEST_F(PartCheckTest, FileThatIsTooShortIsWrittenWhereverItEnds) {
  for (size_t length = 0; length < 7; ++length) {
    Store(std::string("abcdefg").substr(0, length));
    PartCheck check = Open();
    Give(check, "abcdefg");
    EXPECT_EQ(check.Finish().value(), Outcome::kWritten);
    EXPECT_EQ(Stored(), "abcdefg");
  }
}

TEST_F(PartCheckTest, FirstDifferingByteIsNamedAndTheFileKept) {
  for (const std::string stored : {"abcdXfg", "abcdX", "abcdXfgh", "abcdXXX"}) {
    Store(stored);
    PartCheck check = Open();
    Give(check, "abcdefg");
    EXPECT_EQ(check.Finish().value(), Outcome::kDiffers);
    EXPECT_EQ(check.difference(), 4u);
    EXPECT_EQ(Stored(), stored);
  }
}

TEST_F(PartCheckTest, AnUnfinishedCheckLeavesNothingBehind) {
  Store("ab");
  {
    PartCheck check = Open();
    Give(check, "abcdefg");
  }
  EXPECT_EQ(Stored(), "ab");
  EXPECT_THAT(disk_->List(folder_.path() + "/sink").value(),
              testing::ElementsAre("part-00000.jsonl"));
}

}  // namespace
}  // namespace streamml::cli
