// What fill and drain share: settings and librdkafka's handles. Deliberately not the product's own
// client, so that what the product wrote is judged by something else.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace streamml::kafka {

template <auto function>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    function(object);
  }
};
using Client = std::unique_ptr<rd_kafka_t, Destroyer<rd_kafka_destroy>>;
using Conf = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;

// A setting of librdkafka.
struct Setting {
  std::string name;
  std::string value;
};

// Settings in order, a later one over an earlier one. INVALID_ARGUMENT names the one librdkafka
// refuses.
absl::StatusOr<Conf> MakeConf(const std::vector<Setting>& settings);
absl::StatusOr<Client> MakeClient(rd_kafka_type_t type, Conf conf);

// How many partitions a topic has; NOT_FOUND if there is no such topic.
absl::StatusOr<int> NumPartitions(rd_kafka_t* client, const std::string& topic);

// UNAVAILABLE with what was tried and librdkafka's words.
absl::Status Failed(const std::string& what, rd_kafka_resp_err_t error);

}  // namespace streamml::kafka
