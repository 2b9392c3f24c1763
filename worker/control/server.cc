#include "worker/control/server.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "base/status.h"
#include "proto/streamml/fleet/v1/fleet.grpc.pb.h"
#include "worker/control/internal/tls.h"
#include "worker/control/refusal.h"

namespace streamml::control {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;
constexpr int kMaxObservers = 8;
constexpr int kMaxThreads = 32;
constexpr int kKeepAliveMs = 10'000;
constexpr int64_t kLookUs = 100'000;  // how soon a stream sees that its caller has left
constexpr int64_t kMinGapUs = 2'000;  // between two observations of a stream

grpc::Status ToGrpc(const absl::Status& status) {
  const std::optional<fleet::v1::Refusal> refusal = RefusalOf(status);
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
          refusal.has_value() ? refusal->SerializeAsString() : ""};
}

template <typename Reply>
grpc::Status Answer(absl::StatusOr<Reply> result, Reply* reply) {
  if (!result.ok()) return ToGrpc(result.status());
  *reply = *std::move(result);
  return grpc::Status::OK;
}

class Service final : public fleet::v1::Fleet::Service {
 public:
  explicit Service(Worker& worker) : worker_(worker) {}
  void EndStreams() { ending_.store(true); }

  grpc::Status Plan(grpc::ServerContext* /*context*/, const fleet::v1::PlanRequest* request,
                    fleet::v1::PlanReply* reply) override {
    return Answer(worker_.Plan(*request), reply);
  }
  grpc::Status Assign(grpc::ServerContext* /*context*/, const fleet::v1::AssignRequest* request,
                      fleet::v1::AssignReply* /*reply*/) override {
    return ToGrpc(worker_.Assign(*request));
  }
  grpc::Status Snapshot(grpc::ServerContext* /*context*/, const fleet::v1::SnapshotRequest* request,
                        fleet::v1::SnapshotReply* reply) override {
    return Answer(worker_.Snapshot(*request), reply);
  }
  grpc::Status Drain(grpc::ServerContext* /*context*/, const fleet::v1::DrainRequest* request,
                     fleet::v1::DrainReply* /*reply*/) override {
    return ToGrpc(worker_.Drain(*request));
  }

  grpc::Status Observe(grpc::ServerContext* context, const fleet::v1::ObserveRequest* request,
                       grpc::ServerWriter<fleet::v1::Observation>* writer) override {
    const int before = observers_.fetch_add(1);
    const grpc::Status status =
        before < kMaxObservers
            ? Stream(*context, *request, *writer)
            : grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                           absl::StrCat(kMaxObservers, " observe already, which is the limit"));
    observers_.fetch_sub(1);
    return status;
  }

 private:
  grpc::Status Stream(grpc::ServerContext& context, const fleet::v1::ObserveRequest& request,
                      grpc::ServerWriter<fleet::v1::Observation>& writer) {
    const int64_t interval_us =
        request.interval_ms() == 0 ? 1'000'000
                                   : std::clamp<int64_t>(request.interval_ms(), 100, 60'000) * 1000;
    uint64_t next_note = 0;
    Worker::Seen seen;
    int64_t last_us = 0;
    bool due = false;
    while (!context.IsCancelled()) {
      const Worker::Seen before = seen;
      worker_.AwaitChange(seen, due ? kMinGapUs : std::min(interval_us, kLookUs));
      const bool changed = seen.worker != before.worker || seen.lanes != before.lanes;
      const int64_t now = SystemClock().MonotonicMicroseconds();
      const bool ending = ending_.load();
      due = due || changed || ending || now - last_us >= interval_us;
      if (!due || (!ending && now - last_us < kMinGapUs)) continue;
      due = false;
      last_us = now;
      if (!writer.Write(worker_.Observe(next_note)) || ending) break;
    }
    return {grpc::StatusCode::UNAVAILABLE, "the worker is ending, or the caller has left"};
  }

  Worker& worker_;
  std::atomic<bool> ending_ = false;
  std::atomic<int> observers_ = 0;
};

class Server final : public FleetServer {
 public:
  explicit Server(Worker& worker) : service_(worker) {}
  ~Server() override { Shutdown(0); }

  absl::Status Start(const ServerOptions& options) {
    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
    if (options.tls.given()) {
      ASSIGN_OR_RETURN(credentials, internal::ServerTls(options.tls));
    } else if (!IsLocal(options.address) && !options.allow_plaintext) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", options.address,
          "' can be reached from other machines, and would be served without TLS: give CA, "
          "certificate and key, or listen on 127.0.0.1"));
    }
    grpc::ServerBuilder builder;
    grpc::ResourceQuota quota("fleet");
    quota.SetMaxThreads(kMaxThreads);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // another process is an error
    // Callers whose machine is gone must not keep their places; theirs may look after us as often.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kKeepAliveMs / 2);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    int port = 0;
    builder.AddListeningPort(options.address, credentials, &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    const bool is_socket = options.address.starts_with("unix:");
    if (server_ == nullptr || (port == 0 && !is_socket)) {
      return absl::UnavailableError(
          absl::StrCat("'", options.address,
                       "' cannot be listened on: it is in use, or is no address of this "
                       "machine",
                       options.tls.given() ? ", or certificate and key do not fit" : ""));
    }
    address_ = is_socket
                   ? options.address
                   : absl::StrCat(options.address.substr(0, options.address.rfind(':')), ":", port);
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

  void Shutdown(int64_t patience_us) override {
    if (server_ == nullptr) return;
    service_.EndStreams();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::microseconds(patience_us));
    server_->Wait();
    server_ = nullptr;
  }

 private:
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace

bool IsLocal(const std::string& address) {
  if (address.starts_with("unix:")) return true;
  const std::string host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

absl::StatusOr<std::unique_ptr<FleetServer>> FleetServer::Start(const ServerOptions& options,
                                                                Worker& worker) {
  auto server = std::make_unique<Server>(worker);
  RETURN_IF_ERROR(server->Start(options));
  return server;
}

}  // namespace streamml::control
