// Damage to the stored bytes: what a crash can leave is cut off, anything else is refused.

#include <cstring>

#include "base/hash.h"
#include "tests/worker/log/log_fixture.h"

namespace streamml::log {
namespace {

bool Contains(const absl::Status& status, const std::string& text) {
  return status.message().find(text) != absl::string_view::npos;
}

std::string Flip(std::string content, size_t byte) {
  content[byte] = static_cast<char>(content[byte] ^ 0x10);
  return content;
}

class FileLogDamageTest : public FileLogTest {
 protected:
  // Writes `last` transactions; sets path_, content_ and where each ends in the (only) file.
  void Prepare(uint64_t last) {
    ASSERT_TRUE(Write(1, last).ok());
    path_ = Segments().front();
    content_ = Content(path_);
    const auto log = Open();
    ASSERT_TRUE(log.ok());
    ends_ = {40};  // the file's header
    const auto entries = ReadJournal(**log, 0);
    ASSERT_TRUE(entries.ok());
    for (const JournalEntry& entry : *entries) ends_.push_back(entry.next.bytes);
    ASSERT_EQ(ends_.back(), content_.size());
  }
  void ExpectRefused(const std::string& place) {
    const absl::Status status = Open().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(Contains(status, path_) && Contains(status, place) && Contains(status, "way out"))
        << status;
  }

  std::string path_;
  std::string content_;
  std::vector<uint64_t> ends_;
};

TEST_F(FileLogDamageTest, ATailTornAnywhereIsCutAndTheLogGoesOn) {
  Prepare(4);
  for (size_t size = ends_[3]; size < ends_[4]; ++size) {
    ASSERT_TRUE(disk_.Overwrite(path_, content_.substr(0, size)).ok());
    {
      const auto log = Open();
      ASSERT_TRUE(log.ok()) << size << ": " << log.status();
      ExpectJournal(**log, 3);
      EXPECT_EQ(notes_.size(), size == ends_[3] ? 0 : 1);
      const auto writer = (*log)->OpenLane(0);
      ASSERT_TRUE((*writer)->Commit(MakeTransaction(4)).ok());
    }
    EXPECT_EQ(Content(path_), content_) << size;
  }
}

TEST_F(FileLogDamageTest, ABitFlippedInTheLastTransactionCutsIt) {
  Prepare(4);
  for (size_t byte = ends_[3]; byte < ends_[4]; ++byte) {
    ASSERT_TRUE(disk_.Overwrite(path_, Flip(content_, byte)).ok());
    const auto log = Open();
    ASSERT_TRUE(log.ok()) << byte << ": " << log.status();
    ExpectJournal(**log, 3);
    ASSERT_EQ(notes_.size(), 1);
    EXPECT_NE(notes_[0].find(absl::StrCat(path_, "' at byte ", ends_[3])), std::string::npos)
        << notes_[0];
  }
}

TEST_F(FileLogDamageTest, ABitFlippedBeforeTheLastTransactionIsRefusedWithTheByte) {
  Prepare(4);
  for (size_t byte = 0; byte < ends_[3]; ++byte) {
    ASSERT_TRUE(disk_.Overwrite(path_, Flip(content_, byte)).ok());
    uint64_t start = 0;
    for (const uint64_t end : ends_) start = byte >= end ? end : start;
    ExpectRefused(absl::StrCat("at byte ", start));
  }
}

TEST_F(FileLogDamageTest, ARemovedTransactionIsRefused) {
  Prepare(4);
  ASSERT_TRUE(
      disk_.Overwrite(path_, content_.substr(0, ends_[1]) + content_.substr(ends_[2])).ok());
  // What follows is whole but out of sequence: it is no torn tail either.
  ExpectRefused(absl::StrCat("at byte ", ends_[1]));
}

TEST_F(FileLogDamageTest, AFileCutWithinItsHeaderIsRemovedWhenItIsTheNewest) {
  Prepare(1);
  for (const size_t size : {0, 1, 39}) {
    ASSERT_TRUE(disk_.Overwrite(path_, content_.substr(0, size)).ok());
    {
      const auto log = Open();
      ASSERT_TRUE(log.ok()) << log.status();
      EXPECT_EQ(notes_.size(), 1);
      ExpectJournal(**log, 0);
    }
    ASSERT_TRUE(Write(1, 1).ok());
  }
}

TEST_F(FileLogDamageTest, OlderFilesAreNotCut) {
  options_.segment_bytes = 300;
  ASSERT_TRUE(Write(1, 12).ok());
  path_ = Segments().front();
  content_ = Content(path_);
  for (const size_t size : {size_t{0}, size_t{39}, size_t{40}, content_.size() - 1}) {
    ASSERT_TRUE(disk_.Overwrite(path_, content_.substr(0, size)).ok());
    const absl::Status status = Open().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << ": " << status;
    EXPECT_TRUE(Contains(status, "way out")) << status;
  }
}

TEST_F(FileLogDamageTest, AFlippedBitInAnOlderFileIsFoundAtTheLatestWhenItIsRead) {
  options_.segment_bytes = 300;
  ASSERT_TRUE(Write(1, 12).ok());
  path_ = Segments().front();
  content_ = Content(path_);
  for (size_t byte = 0; byte < content_.size(); ++byte) {
    ASSERT_TRUE(disk_.Overwrite(path_, Flip(content_, byte)).ok());
    const auto log = Open();
    absl::Status status = log.status();
    if (log.ok()) {
      status = ReadJournal(**log, 0).status();
      for (const uint32_t partition : {0U, 1U}) {
        const auto reader = (*log)->OpenChannel({"rows", partition, 0}, Position{});
        while (status.ok()) {
          const auto frame = (*reader)->Next();
          status = frame.status();
          if (!frame.ok() || !frame->has_value()) break;
        }
      }
    }
    EXPECT_TRUE(absl::IsDataLoss(status)) << byte << ": " << status;
    EXPECT_TRUE(Contains(status, path_) && Contains(status, "way out")) << status;
  }
}

TEST_F(FileLogDamageTest, ADamagedRecordIsNotSkippedByAskingAgain) {
  options_.segment_bytes = 300;
  ASSERT_TRUE(Write(1, 12).ok());
  path_ = Segments().front();
  content_ = Content(path_);
  for (const std::string text : {"journal record 1", "two rows of 1"}) {
    ASSERT_TRUE(disk_.Overwrite(path_, Flip(content_, content_.find(text))).ok());
    const auto log = Open();
    ASSERT_TRUE(log.ok()) << log.status();
    const auto journal = (*log)->OpenJournal(0);
    const auto channel = (*log)->OpenChannel({"rows", 0, 0}, Position{});
    for (int attempt = 0; attempt < 2; ++attempt) {
      const absl::Status status =
          text[0] == 'j' ? (*journal)->Next().status() : (*channel)->Next().status();
      EXPECT_TRUE(absl::IsDataLoss(status)) << text << attempt << status;
    }
  }
}

TEST_F(FileLogDamageTest, AnotherFormatVersionIsNamedAndNotTakenForDamage) {
  for (const uint64_t last : {0, 3}) {  // also of a newest file without transactions
    Prepare(3);
    std::string content = content_.substr(0, ends_[last]);
    content[8] = 2;
    const uint64_t hash = Hash64(content.substr(0, 32));
    std::memcpy(content.data() + 32, &hash, sizeof hash);
    ASSERT_TRUE(disk_.Overwrite(path_, content).ok());
    ExpectRefused("has format version 2; this build reads version 1");
    EXPECT_EQ(Content(path_), content);
    ASSERT_TRUE(disk_.Remove(path_).ok());
  }
}

TEST_F(FileLogDamageTest, AMissingFileIsRefused) {
  options_.segment_bytes = 300;
  ASSERT_TRUE(Write(1, 12).ok());
  const std::vector<std::string> segments = Segments();
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    const std::string content = Content(segments[i]);
    ASSERT_TRUE(disk_.Remove(segments[i]).ok());
    // The first may have been truncated: who needs it finds out.
    const auto log = Open();
    const absl::Status status = log.ok() ? (*log)->OpenJournal(0, {1, 40}).status() : log.status();
    EXPECT_TRUE(i == 0 ? absl::IsOutOfRange(status) : absl::IsDataLoss(status)) << i << status;
    const auto file = disk_.OpenForAppend(segments[i]);
    ASSERT_TRUE(file.ok() && (*file)->Append(content).ok() && (*file)->Sync().ok());
  }
  EXPECT_TRUE(Open().ok());
}

TEST_F(FileLogDamageTest, AFileOfAnotherLaneIsRefused) {
  Prepare(2);
  const std::string other = "log/lane-1/00000000000000000000.log";
  const auto file = disk_.OpenForAppend(other);
  ASSERT_TRUE(file.ok() && (*file)->Append(content_).ok() && (*file)->Sync().ok());
  const absl::Status status = Open().status();
  EXPECT_TRUE(absl::IsDataLoss(status) && Contains(status, "another lane")) << status;
}

}  // namespace
}  // namespace streamml::log
