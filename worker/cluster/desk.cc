#include "worker/cluster/desk.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/status.h"
#include "proto/streamml/fleet/v1/cluster.grpc.pb.h"
#include "worker/cluster/coordinator.h"
#include "worker/cluster/snapshots.h"

namespace streamml::cluster {
namespace {

constexpr int64_t kAnswerUs = 5'000'000;
constexpr int64_t kAskUs = kAnswerUs + 1'000'000;  // so that who asks hears that there is none
constexpr size_t kMaxSocketPath = 100;

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

class Service final : public fleet::v1::Cluster::Service {
 public:
  explicit Service(Desk& desk) : desk_(desk) {}
  grpc::Status Status(grpc::ServerContext* /*context*/, const fleet::v1::StatusRequest* /*request*/,
                      fleet::v1::StatusReply* reply) override {
    absl::StatusOr<fleet::v1::StatusReply> status = desk_.Status();
    if (!status.ok()) return ToGrpc(status.status());
    *reply = *std::move(status);
    return grpc::Status::OK;
  }
  grpc::Status Resize(grpc::ServerContext* /*context*/, const fleet::v1::ResizeRequest* request,
                      fleet::v1::ResizeReply* /*reply*/) override {
    if (request->workers() < 1 || request->workers() > kMaxWorkers) {
      return ToGrpc(absl::InvalidArgumentError(
          absl::StrCat(request->workers(), " workers; allowed: 1 to ", kMaxWorkers)));
    }
    desk_.Resize(request->workers());
    return grpc::Status::OK;
  }
  grpc::Status Upgrade(grpc::ServerContext* /*context*/, const fleet::v1::UpgradeRequest* request,
                       fleet::v1::UpgradeReply* /*reply*/) override {
    if (access(request->program().c_str(), X_OK) != 0) {
      return ToGrpc(absl::InvalidArgumentError(
          absl::StrCat("'", request->program(), "' is no program that can be run")));
    }
    desk_.Upgrade(request->program());
    return grpc::Status::OK;
  }
  grpc::Status Stop(grpc::ServerContext* /*context*/, const fleet::v1::StopRequest* /*request*/,
                    fleet::v1::StopReply* /*reply*/) override {
    desk_.Stop();
    return grpc::Status::OK;
  }
  // Not by the coordinator's loop, which has better to do than to wait for it.
  grpc::Status Snapshot(grpc::ServerContext* /*context*/,
                        const fleet::v1::TakeSnapshotsRequest* request,
                        fleet::v1::TakeSnapshotsReply* reply) override {
    const absl::StatusOr<fleet::v1::StatusReply> status = desk_.Status();
    if (!status.ok()) return ToGrpc(status.status());
    *reply = TakeSnapshots(*status, *request);
    return grpc::Status::OK;
  }

 private:
  Desk& desk_;
};

// Of the socket in a data folder, also where the folder's own path is too long for an address.
class SocketAddress {
 public:
  explicit SocketAddress(const std::string& data_dir) {
    const std::string folder = absl::StrCat(data_dir, "/.streamml");
    path_ = absl::StrCat(folder, "/control.sock");
    address_ = absl::StrCat("unix:", path_);
    if (path_.size() <= kMaxSocketPath) return;
    descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    address_ = absl::StrCat("unix:/proc/self/fd/", descriptor_, "/control.sock");
  }
  ~SocketAddress() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  SocketAddress(const SocketAddress&) = delete;
  SocketAddress& operator=(const SocketAddress&) = delete;
  const std::string& path() const { return path_; }
  const std::string& address() const { return address_; }

 private:
  std::string path_;
  std::string address_;
  int descriptor_ = -1;
};

class Server final : public DeskServer {
 public:
  Server(const std::string& data_dir, Desk& desk) : socket_(data_dir), service_(desk) {}
  ~Server() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
    server_->Wait();
    unlink(socket_.path().c_str());
  }
  absl::Status Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(socket_.address(), grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (server_ != nullptr) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("the socket '", socket_.path(), "' cannot be made"));
  }

 private:
  const SocketAddress socket_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

using Call = std::function<grpc::Status(fleet::v1::Cluster::Stub&, grpc::ClientContext&)>;

absl::Status Ask(const std::string& data_dir, int64_t patience_us, const Call& call) {
  const SocketAddress socket(data_dir);
  absl::Status none = absl::NotFoundError(absl::StrCat(
      "no cluster runs with data folder '", data_dir, "'; give the --data-dir that it was given"));
  if (access(socket.path().c_str(), F_OK) != 0) return none;
  const auto stub = fleet::v1::Cluster::NewStub(
      grpc::CreateChannel(socket.address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(patience_us));
  const grpc::Status status = call(*stub, context);
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return none;
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

}  // namespace

void Desk::Resize(uint32_t num_workers) {
  {
    const MutexLock lock(mutex_);
    resize_ = num_workers;
  }
  bell_.Ring();
}

void Desk::Upgrade(const std::string& program) {
  {
    const MutexLock lock(mutex_);
    upgrade_ = program;
  }
  bell_.Ring();
}

void Desk::Stop() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  bell_.Ring();
}

absl::StatusOr<fleet::v1::StatusReply> Desk::Status() {
  const int64_t end = SystemClock().MonotonicMicroseconds() + kAnswerUs;
  const MutexLock lock(mutex_);
  const uint64_t mine = ++num_asked_;
  while (num_answered_ < mine) {
    const int64_t left = end - SystemClock().MonotonicMicroseconds();
    if (left <= 0) return absl::DeadlineExceededError("the coordinator does not answer");
    changed_.WaitFor(mutex_, left);
  }
  return status_;
}

std::optional<uint32_t> Desk::TakeResize() {
  const MutexLock lock(mutex_);
  return std::exchange(resize_, std::nullopt);
}

std::optional<std::string> Desk::TakeUpgrade() {
  const MutexLock lock(mutex_);
  return std::exchange(upgrade_, std::nullopt);
}

bool Desk::stop_asked() const {
  const MutexLock lock(mutex_);
  return stop_;
}

bool Desk::status_asked() const {
  const MutexLock lock(mutex_);
  return num_answered_ < num_asked_;
}

void Desk::Answer(fleet::v1::StatusReply status) {
  const MutexLock lock(mutex_);
  status_ = std::move(status);
  num_answered_ = num_asked_;
  changed_.NotifyAll();
}

absl::StatusOr<std::unique_ptr<DeskServer>> DeskServer::Start(const std::string& data_dir,
                                                              Desk& desk) {
  auto server = std::make_unique<Server>(data_dir, desk);
  RETURN_IF_ERROR(server->Start());
  return server;
}

absl::StatusOr<fleet::v1::StatusReply> AskStatus(const std::string& data_dir) {
  fleet::v1::StatusReply reply;
  RETURN_IF_ERROR(
      Ask(data_dir, kAskUs, [&](fleet::v1::Cluster::Stub& stub, grpc::ClientContext& context) {
        return stub.Status(&context, {}, &reply);
      }));
  return reply;
}

absl::Status AskResize(const std::string& data_dir, uint32_t num_workers) {
  fleet::v1::ResizeRequest request;
  request.set_workers(num_workers);
  return Ask(data_dir, kAskUs, [&](fleet::v1::Cluster::Stub& stub, grpc::ClientContext& context) {
    fleet::v1::ResizeReply reply;
    return stub.Resize(&context, request, &reply);
  });
}

absl::Status AskUpgrade(const std::string& data_dir, const std::string& program) {
  fleet::v1::UpgradeRequest request;
  request.set_program(program);
  return Ask(data_dir, kAskUs, [&](fleet::v1::Cluster::Stub& stub, grpc::ClientContext& context) {
    fleet::v1::UpgradeReply reply;
    return stub.Upgrade(&context, request, &reply);
  });
}

absl::Status AskStop(const std::string& data_dir) {
  return Ask(data_dir, kAskUs, [](fleet::v1::Cluster::Stub& stub, grpc::ClientContext& context) {
    fleet::v1::StopReply reply;
    return stub.Stop(&context, {}, &reply);
  });
}

absl::StatusOr<fleet::v1::TakeSnapshotsReply> AskSnapshots(
    const std::string& data_dir, const fleet::v1::TakeSnapshotsRequest& request) {
  fleet::v1::TakeSnapshotsReply reply;
  RETURN_IF_ERROR(Ask(data_dir, kSnapshotsUs + kAskUs,
                      [&](fleet::v1::Cluster::Stub& stub, grpc::ClientContext& context) {
                        return stub.Snapshot(&context, request, &reply);
                      }));
  return reply;
}

}  // namespace streamml::cluster
