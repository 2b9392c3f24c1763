#include "worker/state/store/internal/s3_request.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/status.h"
#include "worker/state/store/internal/s3_reply.h"

namespace streamml::state {
namespace {

constexpr int64_t kFirstWaitUs = 100'000;
constexpr int64_t kLongestWaitUs = 5'000'000;
constexpr int64_t kLongestAskedUs = 30'000'000;
constexpr const char* kRetryAfter = "streamml.dev/retry-after";

// Of a status made of a reply.
int64_t AskedMicroseconds(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryAfter);
  int64_t seconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &seconds)) return 0;
  return std::clamp<int64_t>(seconds, 0, kLongestAskedUs / 1'000'000) * 1'000'000;
}

}  // namespace

int64_t BackOffMicroseconds(int attempt, double fraction, int64_t asked_us) {
  const int64_t bound = std::min(kLongestWaitUs, kFirstWaitUs << std::min(attempt, 10));
  const int64_t wait = bound / 2 + static_cast<int64_t>(fraction * static_cast<double>(bound) / 2);
  return std::max(wait, asked_us);
}

S3Requests::S3Requests(const S3Options& options, Clock& clock)
    : options_(options), clock_(clock), client_(options) {}

std::string S3Requests::FullKey(std::string_view key) const {
  return absl::StrCat(options_.prefix, key);
}

std::string S3Requests::NameOf(std::string_view key) const {
  return absl::StrCat("s3://", options_.bucket, "/", FullKey(key));
}

std::string S3Requests::UrlOf(std::string_view key, std::string_view query) const {
  const std::string path =
      absl::StrCat("/", key.empty() ? "" : PercentEncode(FullKey(key), "/"), query);
  const size_t host = options_.endpoint.find("://") + 3;
  if (options_.addressing == S3Options::Addressing::kPath) {
    return absl::StrCat(options_.endpoint, "/", options_.bucket, path);
  }
  return absl::StrCat(options_.endpoint.substr(0, host), options_.bucket, ".",
                      options_.endpoint.substr(host), path);
}

absl::StatusOr<HttpReply> S3Requests::SendOnce(HttpRequest request) {
  ASSIGN_OR_RETURN(const S3Credentials credentials, options_.credentials());
  if (!credentials.session_token.empty()) {
    request.headers.push_back(absl::StrCat("x-amz-security-token: ", credentials.session_token));
  }
  request.headers.push_back(absl::StrCat("x-amz-content-sha256: ", ToHex(Sha256Of(request.body))));
  ASSIGN_OR_RETURN(HttpReply reply, client_.Send(request, credentials));
  absl::Status error = ErrorOf(reply, credentials);
  if (error.ok()) return reply;
  const auto asked = reply.headers.find("retry-after");
  if (asked != reply.headers.end()) error.SetPayload(kRetryAfter, absl::Cord(asked->second));
  return error;
}

absl::StatusOr<HttpReply> S3Requests::Send(const MakeFunction& make) {
  const int64_t end_us = clock_.MonotonicMicroseconds() + options_.patience_us;
  for (int attempt = 0;; ++attempt) {
    absl::StatusOr<HttpReply> reply = SendOnce(make());
    if (!absl::IsUnavailable(reply.status())) return reply;
    const int64_t wait_us =
        BackOffMicroseconds(attempt, RandomFraction(), AskedMicroseconds(reply.status()));
    if (clock_.MonotonicMicroseconds() + wait_us >= end_us) {
      return Annotate(reply.status(), absl::StrCat(attempt + 1, " attempts"));
    }
    if (!options_.wait(wait_us)) return absl::CancelledError("stopped");
  }
}

}  // namespace streamml::state
