// Bearer tokens that another program writes into a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/log/kafka/kafka_cluster.h"

namespace streamml::cli {

// What must be known of a token to use it: of a JSON Web Token (RFC 7519) whom it is about (sub)
// and when it ends (exp). Of any other, and without exp, five minutes from `now_ms` on, because who
// wrote it may write another one by then. It is not verified: brokers do that.
log::KafkaToken ReadToken(std::string_view text, int64_t now_ms);

}  // namespace streamml::cli
