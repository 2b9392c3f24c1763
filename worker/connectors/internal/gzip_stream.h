// gzip (RFC 1952) through zlib.
#pragma once

#include <memory>

#include "worker/connectors/byte_stream.h"

namespace streamml::connectors::internal {

// All members one after another; zero bytes behind the last one (padding of tapes and blocks) are
// skipped. DATA_LOSS with both positions for a cut, corrupt or checksum-failing file, and for
// anything else behind the last member.
absl::StatusOr<std::unique_ptr<ByteStream>> MakeGzipStream(std::unique_ptr<ByteSource> source);

}  // namespace streamml::connectors::internal
