// What a job's incarnation begins from, and its number.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/disk.h"
#include "base/hash.h"
#include "proto/streamml/job/v1/job.pb.h"
#include "worker/lane/restore_source.h"
#include "worker/log/kafka/kafka_cluster.h"
#include "worker/plan/plan.h"
#include "worker/savepoint/savepoint_store.h"

namespace streamml::cli {

// A job's savepoints in the store that holds them.
struct Savepoints {
  std::string location;
  std::unique_ptr<state::ObjectStore> objects;
  std::unique_ptr<savepoint::SavepointStore> store;  // uses the objects
};

// What stands where a folder has to be is the user's to mend: INVALID_ARGUMENT.
absl::Status CheckDataDir(const std::string& data_dir);

// What the job's topics and savepoints are named by.
std::string IdentityOf(const job::v1::StreamMLJob& job);

// `location`, if it is not empty; else where the manifest says that snapshots go. INVALID_ARGUMENT
// when neither says where.
absl::StatusOr<Savepoints> OpenSavepoints(const job::v1::StreamMLJob& job,
                                          const std::string& location, Disk& disk,
                                          std::function<bool()> stop);

struct Beginning {
  uint32_t incarnation = 1;
  // With spec.restoreFrom. Without a document: why it cannot be read; a job that has begun from it
  // may do without.
  std::optional<Savepoints> savepoints;
  std::optional<savepoint::Document> document;
  absl::Status problem;
  bool is_kept = false;  // the data folder says so already
};

// For a job whose log is in its data folder: as that says, or as spec.restoreFrom does where the
// job has not begun. FAILED_PRECONDITION when the folder's job began otherwise; NOT_FOUND when
// there is no such savepoint. Changes nothing.
absl::StatusOr<Beginning> FindBeginning(const job::v1::StreamMLJob& job,
                                        const std::string& data_dir, Disk& disk,
                                        const std::function<bool()>& stop);
// The same for a job whose log is on Kafka, where the journals say it: the last incarnation, if it
// began from the savepoint, else the next one.
absl::StatusOr<Beginning> FindBeginningOnKafka(const job::v1::StreamMLJob& job,
                                               log::KafkaCluster& cluster, Disk& disk,
                                               const std::function<bool()>& stop);
// For a worker, which is told the incarnation.
Beginning BeginningOf(const job::v1::StreamMLJob& job, uint32_t incarnation, Disk& disk,
                      const std::function<bool()>& stop);

// A data folder beside a log on Kafka is of one incarnation: FAILED_PRECONDITION for another.
absl::Status KeepIncarnation(uint32_t incarnation, const std::string& data_dir, Disk& disk);

// Makes it durable in the data folder, before the log is. FAILED_PRECONDITION when there is a log
// already.
absl::Status KeepBeginning(const Beginning& beginning, const std::string& data_dir,
                           const std::string& log_folder, Disk& disk);

// Null where lanes begin from nothing. The beginning must outlive it.
absl::StatusOr<std::unique_ptr<lane::RestoreSource>> MakeSource(const Beginning& beginning,
                                                                const plan::JobPlan& plan);

}  // namespace streamml::cli
