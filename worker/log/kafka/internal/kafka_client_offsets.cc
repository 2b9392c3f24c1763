// KafkaClient: which messages of a partition there are, and the deletion of its first ones.
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "worker/log/kafka/internal/ask.h"
#include "worker/log/kafka/internal/kafka_client.h"

namespace streamml::log::internal {
namespace {

using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                      Destroyer<rd_kafka_topic_partition_list_destroy>>;
using DeleteRecordsHandle =
    std::unique_ptr<rd_kafka_DeleteRecords_t, Destroyer<rd_kafka_DeleteRecords_destroy>>;

}  // namespace

absl::StatusOr<KeptOffsets> KafkaClient::FindOffsets(const std::string& topic, uint32_t partition) {
  int64_t low = 0;
  int64_t high = 0;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
      any(), topic.c_str(), static_cast<int32_t>(partition), &low, &high, timeout_ms());
  RETURN_IF_ERROR(Explain(ToStatus(
      error, absl::StrCat("offsets of partition ", partition, " of topic '", topic, "'"))));
  return KeptOffsets{static_cast<uint64_t>(low), static_cast<uint64_t>(high)};
}

absl::Status KafkaClient::DeleteBefore(const std::vector<PartitionCut>& cuts) {
  if (cuts.empty()) return absl::OkStatus();
  rd_kafka_t* handle = any();
  const PartitionList offsets(rd_kafka_topic_partition_list_new(static_cast<int>(cuts.size())));
  for (const PartitionCut& cut : cuts) {
    rd_kafka_topic_partition_list_add(offsets.get(), cut.topic.c_str(),
                                      static_cast<int32_t>(cut.partition))
        ->offset = static_cast<int64_t>(cut.before);
  }
  const DeleteRecordsHandle wanted(rd_kafka_DeleteRecords_new(offsets.get()));
  rd_kafka_DeleteRecords_t* request = wanted.get();
  const std::string_view what = "deleting records that nobody needs any more";
  auto event = Ask(*this, handle, RD_KAFKA_ADMIN_OP_DELETERECORDS, what,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteRecords(handle, &request, 1, options, queue);
                   });
  if (!event.ok()) return Explain(event.status());
  const rd_kafka_topic_partition_list_t* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
  absl::Status first;
  for (int i = 0; i < results->cnt; ++i) {
    const rd_kafka_topic_partition_t& result = results->elems[i];
    first.Update(ToStatus(result.err, absl::StrCat(what, ": partition ", result.partition,
                                                   " of topic '", result.topic, "'")));
  }
  return first;
}

}  // namespace streamml::log::internal
