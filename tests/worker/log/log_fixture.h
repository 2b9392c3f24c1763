// A FileLog with one topic on a model disk, and short ways to write and read it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/support/model_disk.h"
#include "worker/log/file/file_log.h"

namespace streamml::log {

// Transaction `number` of a lane: rows for partition 0, every third time for partition 1 too.
inline Transaction MakeTransaction(uint64_t number) {
  Transaction transaction;
  transaction.sequence = number;
  transaction.watermark = static_cast<int64_t>(number * 10);
  transaction.journal = absl::StrCat("journal record ", number);
  transaction.frames.push_back({"rows", 0, 2, absl::StrCat("two rows of ", number)});
  if (number % 3 == 0)
    transaction.frames.push_back({"rows", 1, 1, absl::StrCat("one of ", number)});
  return transaction;
}

class FileLogTest : public testing::Test {
 protected:
  static constexpr uint32_t kNumLanes = 2;

  absl::StatusOr<std::unique_ptr<Log>> Open() {
    notes_.clear();
    return OpenFileLog(disk_, "log", kNumLanes, options_, notes_);
  }
  // Appends transactions `first` to `last` to lane 0.
  absl::Status Write(uint64_t first, uint64_t last) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Log> log, Open());
    ASSIGN_OR_RETURN(const std::unique_ptr<LaneWriter> writer, log->OpenLane(0));
    for (uint64_t i = first; i <= last; ++i) RETURN_IF_ERROR(writer->Commit(MakeTransaction(i)));
    return absl::OkStatus();
  }
  static absl::StatusOr<std::vector<JournalEntry>> ReadJournal(Log& log, uint32_t lane) {
    std::vector<JournalEntry> entries;
    ASSIGN_OR_RETURN(const std::unique_ptr<JournalReader> reader, log.OpenJournal(lane));
    while (true) {
      ASSIGN_OR_RETURN(std::optional<JournalEntry> entry, reader->Next());
      if (!entry.has_value()) return entries;
      entries.push_back(*std::move(entry));
    }
  }
  // Lane 0's journal holds exactly transactions 1 to `last`.
  void ExpectJournal(Log& log, uint64_t last) {
    const auto entries = ReadJournal(log, 0);
    ASSERT_TRUE(entries.ok()) << entries.status();
    ASSERT_EQ(entries->size(), last);
    for (uint64_t i = 1; i <= last; ++i) {
      EXPECT_EQ((*entries)[i - 1].sequence, i);
      EXPECT_EQ((*entries)[i - 1].record, MakeTransaction(i).journal);
    }
  }
  std::vector<std::string> Segments() const {
    std::vector<std::string> paths;
    for (const std::string& path : disk_.Files()) {
      if (path.ends_with(".log")) paths.push_back(path);
    }
    return paths;
  }
  std::string Content(const std::string& path) {
    const auto content = ReadWhole(disk_, path);
    return content.ok() ? *content : "";
  }

  support::ModelDisk disk_;
  FileLogOptions options_;
  std::vector<std::string> notes_;
};

}  // namespace streamml::log
