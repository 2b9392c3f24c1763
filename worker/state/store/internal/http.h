// One HTTP request and its reply, signed as S3 wants it. The only place that sees libcurl.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "worker/state/store/s3_store.h"

namespace streamml::state {

struct HttpRequest {
  std::string method;
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  std::string_view body;
  bool has_body = false;
  // Gets the body of a reply of status 200 or 206 in pieces; without it, and for other replies, the
  // body stands in the reply.
  std::function<absl::Status(int64_t status, std::string_view piece)> receive;
};

struct HttpReply {
  int64_t status = 0;
  std::string body;                            // cut off at 8 MiB
  std::map<std::string, std::string> headers;  // of those that are asked for, by lower-case name
};

// Thread-safe. Keeps connections for the next requests.
class HttpClient {
 public:
  explicit HttpClient(const S3Options& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One attempt. A reply of any status is OK. UNAVAILABLE where there is none, or not all of it:
  // no connection, no bytes for `options.stall_us`. FAILED_PRECONDITION when the other side cannot
  // be trusted, CANCELLED when stopped, or the error of `receive`.
  absl::StatusOr<HttpReply> Send(const HttpRequest& request, const S3Credentials& credentials);

 private:
  class Handle;

  std::unique_ptr<Handle> Take();
  void GiveBack(std::unique_ptr<Handle> handle);

  const S3Options& options_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace streamml::state
