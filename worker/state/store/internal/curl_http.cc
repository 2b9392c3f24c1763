#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "worker/state/store/internal/http.h"

namespace streamml::state {
namespace {

constexpr size_t kMaxBody = size_t{8} << 20;
constexpr size_t kMaxIdle = 8;
constexpr const char* kHeaders[] = {"etag", "retry-after", "content-length", "x-amz-meta-sha256",
                                    "x-amz-bucket-region"};

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListFree>;

// What a transfer's callbacks work on.
struct Transfer {
  CURL* handle = nullptr;
  const HttpRequest* request = nullptr;
  const S3Options* options = nullptr;
  HttpReply reply;
  absl::Status received;
  bool stopped = false;
};

int64_t StatusOf(CURL* handle) {
  long status = 0;  // NOLINT(google-runtime-int): libcurl's type
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

size_t OnBody(const char* data, size_t /*one*/, size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const int64_t status = StatusOf(transfer.handle);
  if (transfer.request->receive && (status == 200 || status == 206)) {
    transfer.received = transfer.request->receive(status, std::string_view(data, size));
    return transfer.received.ok() ? size : CURL_WRITEFUNC_ERROR;
  }
  transfer.reply.body.append(data, std::min(size, kMaxBody - transfer.reply.body.size()));
  return size;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  transfer.stopped = transfer.options->stop && transfer.options->stop();
  return transfer.stopped ? 1 : 0;
}

absl::Status ToStatus(CURLcode code, const char* details) {
  const std::string message = *details != '\0' ? details : curl_easy_strerror(code);
  switch (code) {
    case CURLE_OK:
      return absl::OkStatus();
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::FailedPreconditionError(message);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

class HttpClient::Handle {
 public:
  Handle() {
    // Once in the life of the process, and thread-safe.
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised == CURLE_OK) handle_.reset(curl_easy_init());
  }

  absl::StatusOr<HttpReply> Send(const HttpRequest& request, const S3Options& options,
                                 const S3Credentials& credentials) {
    if (handle_ == nullptr) return absl::ResourceExhaustedError("libcurl cannot be started");
    CURL* handle = handle_.get();
    curl_easy_reset(handle);
    Transfer transfer{handle, &request, &options, {}, {}, false};
    char details[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, details);
    const HeaderList headers = SetRequest(request);
    SetLimits(options);
    SetCredentials(options, credentials);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    const CURLcode code = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    if (transfer.stopped) return absl::CancelledError("stopped");
    RETURN_IF_ERROR(transfer.received);
    RETURN_IF_ERROR(ToStatus(code, details));
    transfer.reply.status = StatusOf(handle);
    for (const char* name : kHeaders) {
      curl_header* header = nullptr;
      if (curl_easy_header(handle, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) continue;
      transfer.reply.headers[name] = header->value;
    }
    return std::move(transfer.reply);
  }

 private:
  struct Free {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };

  HeaderList SetRequest(const HttpRequest& request) {
    CURL* handle = handle_.get();
    HeaderList headers;
    const auto add = [&headers](const char* line) {
      headers.reset(curl_slist_append(headers.release(), line));
    };
    for (const std::string& header : request.headers) add(header.c_str());
    add("Expect:");  // waiting for a 100 costs a second where the server does not send it
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (request.method == "HEAD") curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    if (request.has_body) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    }
    if (request.method != "GET" && request.method != "HEAD") {
      curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    return headers;
  }

  void SetLimits(const S3Options& options) {
    CURL* handle = handle_.get();
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options.connect_timeout_us / 1000));
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::max<int64_t>(1, options.stall_us / 1'000'000)));
    if (!options.ca_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
    }
  }

  void SetCredentials(const S3Options& options, const S3Credentials& credentials) {
    CURL* handle = handle_.get();
    const std::string scope = absl::StrCat("aws:amz:", options.region, ":s3");
    curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, scope.c_str());
    curl_easy_setopt(handle, CURLOPT_USERNAME, credentials.access_key_id.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, credentials.secret_access_key.c_str());
  }

  std::unique_ptr<CURL, Free> handle_;
};

HttpClient::HttpClient(const S3Options& options) : options_(options) {}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::Take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Handle> handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>();
}

void HttpClient::GiveBack(std::unique_ptr<Handle> handle) {
  const MutexLock lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(handle));
}

absl::StatusOr<HttpReply> HttpClient::Send(const HttpRequest& request,
                                           const S3Credentials& credentials) {
  std::unique_ptr<Handle> handle = Take();
  absl::StatusOr<HttpReply> reply = handle->Send(request, options_, credentials);
  GiveBack(std::move(handle));
  return reply;
}

}  // namespace streamml::state
