// An ObjectStore in a bucket of S3, or of a server that speaks its protocol.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "worker/state/store/object_store.h"

namespace streamml::state {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
};

struct S3Options {
  std::string endpoint;  // "https://s3.eu-west-1.amazonaws.com": scheme, host and maybe port
  std::string region;
  std::string bucket;
  std::string prefix;  // of all keys: empty, or a key and '/'
  enum class Addressing { kPath, kVirtualHost } addressing = Addressing::kVirtualHost;
  // Asked for each operation, so that credentials may be replaced while the program runs. Called by
  // several threads.
  std::function<absl::StatusOr<S3Credentials>()> credentials;
  std::string ca_file;  // certificates to trust, in PEM; empty: those of the machine

  uint64_t part_bytes = uint64_t{16} << 20;  // larger objects are sent in parts; at least 5 MiB
  int64_t connect_timeout_us = 5'000'000;
  int64_t stall_us = 30'000'000;     // so long without a byte is a failure; whole seconds
  int64_t patience_us = 60'000'000;  // of each operation, for trying again
  // Waits between two attempts, or returns false at once when it is to stop. Called by several
  // threads; without it the wait is one that nothing ends.
  std::function<bool(int64_t wait_us)> wait;
  // Asked often while bytes are on their way; true: give up.
  std::function<bool()> stop;
};

// Requests are signed (SigV4); each carries the SHA-256 of its body, which the server checks, and
// each object the SHA-256 of its content in its metadata, which Get checks. A Get that is cut off
// goes on where it was. Objects sent in parts are there when the last part is, and a failed one is
// taken back; a process that dies leaves its parts, which are not objects: a lifecycle rule of the
// bucket (AbortIncompleteMultipartUpload) removes them. Memory: one part for each Put under way.
//
// Nothing is sent here; INVALID_ARGUMENT for options that cannot be. `clock` must outlive the
// store.
absl::StatusOr<std::unique_ptr<ObjectStore>> MakeS3Store(S3Options options, Clock& clock);

}  // namespace streamml::state
