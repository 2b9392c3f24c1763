// A job's folder over a disk that fails.
#include "worker/cli/job_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "base/posix_disk.h"
#include "tests/support/temporary_folder.h"

namespace streamml::cli {
namespace {

using ::testing::HasSubstr;

class FailingFile final : public AppendFile {
 public:
  explicit FailingFile(std::unique_ptr<AppendFile> file) : file_(std::move(file)) {}
  absl::Status Append(std::string_view bytes) override { return file_->Append(bytes); }
  absl::Status Sync() override { return absl::UnavailableError("cannot sync: input/output error"); }
  uint64_t size() const override { return file_->size(); }

 private:
  std::unique_ptr<AppendFile> file_;
};

// The real disk, but no segment of a log can be synced.
class FailingDisk final : public Disk {
 public:
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenForAppend(const std::string& path) override {
    auto file = real_->OpenForAppend(path);
    if (!file.ok() || !path.ends_with(".log")) return file;
    return std::make_unique<FailingFile>(*std::move(file));
  }
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenForRead(const std::string& path) override {
    return real_->OpenForRead(path);
  }
  absl::Status Truncate(const std::string& path, uint64_t size) override {
    return real_->Truncate(path, size);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return real_->Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return real_->Remove(path); }
  absl::Status MakeDirectories(const std::string& path) override {
    return real_->MakeDirectories(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    return real_->List(path);
  }
  absl::Status SyncDirectory(const std::string& path) override {
    return real_->SyncDirectory(path);
  }
  absl::StatusOr<std::unique_ptr<DiskLock>> Lock(const std::string& path) override {
    return real_->Lock(path);
  }

 private:
  std::unique_ptr<Disk> real_ = MakePosixDisk();
};

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  sources:
  - name: rows
    topic: rows
    cluster: main
    format: json
    columns:
    - {name: id, type: bigint}
    - {name: at, type: timestamp, unit: ms}
    watermark: {column: at, delay: 5s}
  sinks:
  - {name: all, sql: "SELECT id FROM rows"}
  clusters:
  - {name: main, kafka: {brokers: "kafka:9092"}}
)";

// It waited, as for brokers, and then told of "an earlier write", which said nothing.
TEST(JobFolder, ALogInFilesThatFailsIsNotWaitedForAndTellsWhy) {
  const support::TemporaryFolder folder;
  std::ofstream(folder.path() + "/job.yaml") << kJob;
  std::ofstream(folder.path() + "/rows.jsonl") << "{\"id\":1,\"at\":1770000000000}\n";
  CommandLine line;
  line.command = Command::kRun;
  line.job = folder.path() + "/job.yaml";
  line.bindings = {"rows=" + folder.path() + "/rows.jsonl"};
  line.data_dir = folder.path() + "/data";
  const absl::StatusOr<Job> job = LoadJob(line);
  ASSERT_TRUE(job.ok()) << job.status();
  FailingDisk disk;
  const auto note = [](const std::string& /*text*/) {};
  const auto opened = JobFolder::Open(*job, disk, /*must_exist=*/false, note);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const absl::Status status = (*opened)->OpenLanes(note, [] { return false; });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("input/output error"));
}

}  // namespace
}  // namespace streamml::cli
