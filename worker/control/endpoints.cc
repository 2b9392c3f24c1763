#include "worker/control/endpoints.h"

#include <civetweb.h>

#include <string_view>
#include <utility>

#include "base/status.h"

namespace streamml::control {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetrics = "text/plain; version=0.0.4; charset=utf-8";

struct Answer {
  int status = 200;
  const char* type = kText;
  std::string body;
};

const char* PhraseOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Not Found";
  }
}

class Web final : public Endpoints {
 public:
  explicit Web(std::function<fleet::v1::Observation()> observe) : observe_(std::move(observe)) {}
  ~Web() override {
    if (context_ != nullptr) mg_stop(context_);
  }

  absl::Status Start(const std::string& address) {
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", address, "' is no address; HOST:PORT is wanted"));
    }
    const char* options[] = {"listening_ports",
                             address.c_str(),
                             "num_threads",
                             "4",
                             "request_timeout_ms",
                             "5000",
                             "enable_keep_alive",
                             "yes",
                             "keep_alive_timeout_ms",
                             "2000",
                             "connection_queue",
                             "16",
                             "enable_directory_listing",
                             "no",
                             nullptr};
    const mg_callbacks callbacks{};
    context_ = mg_start(&callbacks, this, options);
    mg_server_port port{};
    if (context_ == nullptr || mg_get_server_ports(context_, 1, &port) != 1) {
      return absl::UnavailableError(absl::StrCat(
          "'", address, "' cannot be listened on: it is in use, or is no address of this machine"));
    }
    address_ = absl::StrCat(address.substr(0, colon), ":", port.port);
    mg_set_request_handler(context_, "/", Handle, this);
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  static int Handle(mg_connection* connection, void* self) {
    const mg_request_info& request = *mg_get_request_info(connection);
    const bool is_head = std::string_view(request.request_method) == "HEAD";
    const Answer answer =
        static_cast<Web*>(self)->AnswerTo(request.request_method, request.local_uri);
    const std::string header = absl::StrCat(
        "HTTP/1.1 ", answer.status, " ", PhraseOf(answer.status), "\r\nContent-Type: ", answer.type,
        "\r\nContent-Length: ", answer.body.size(), "\r\nCache-Control: no-store\r\n",
        answer.status == 405 ? "Allow: GET, HEAD\r\n" : "", "\r\n");
    mg_write(connection, header.data(), header.size());
    if (!is_head) mg_write(connection, answer.body.data(), answer.body.size());
    return answer.status;
  }

  Answer AnswerTo(std::string_view method, std::string_view path) const {
    if (method != "GET" && method != "HEAD") return {405, kText, "GET is wanted\n"};
    // That this is answered at all, with what the lanes last said, is the health.
    if (path == "/healthz") {
      observe_();
      return {200, kText, "ok\n"};
    }
    if (path == "/readyz") {
      Readiness readiness = ReadinessOf(observe_());
      return {readiness.ready ? 200 : 503, kText, std::move(readiness.text)};
    }
    if (path == "/metrics") return {200, kMetrics, MetricsText(observe_())};
    return {404, kText, "there are /healthz, /readyz and /metrics\n"};
  }

  const std::function<fleet::v1::Observation()> observe_;
  mg_context* context_ = nullptr;
  std::string address_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Endpoints>> Endpoints::Start(
    const std::string& address, std::function<fleet::v1::Observation()> observe) {
  auto web = std::make_unique<Web>(std::move(observe));
  RETURN_IF_ERROR(web->Start(address));
  return web;
}

}  // namespace streamml::control
