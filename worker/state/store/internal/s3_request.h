// Requests to one bucket: their addresses, and sending them until they succeed or it takes too
// long.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "worker/state/store/internal/http.h"
#include "worker/state/store/internal/sha256.h"

namespace streamml::state {

// How long is waited before the next attempt: rising, never the same twice, and what a server asked
// for if that is more. `attempt` counts from 0.
int64_t BackOffMicroseconds(int attempt, double fraction, int64_t asked_us);

// Thread-safe.
class S3Requests {
 public:
  S3Requests(const S3Options& options, Clock& clock);

  // The address of an object; `key` may be empty. `query` begins with '?' or is empty.
  std::string UrlOf(std::string_view key, std::string_view query) const;
  // For messages.
  std::string NameOf(std::string_view key) const;
  std::string FullKey(std::string_view key) const;

  // The reply, if its status is 2xx and its body no error; after UNAVAILABLE, `make` is asked for
  // the next attempt's request.
  using MakeFunction = std::function<HttpRequest()>;
  absl::StatusOr<HttpReply> Send(const MakeFunction& make);
  // One attempt.
  absl::StatusOr<HttpReply> SendOnce(HttpRequest request);

 private:
  const S3Options& options_;
  Clock& clock_;
  HttpClient client_;
};

}  // namespace streamml::state
