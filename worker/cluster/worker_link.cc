#include "worker/cluster/worker_link.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "proto/streamml/fleet/v1/fleet.grpc.pb.h"

namespace streamml::cluster {
namespace {

constexpr int64_t kRetryUs = 30'000;
constexpr int64_t kMaxSendRetryUs = 60'000'000;
constexpr int64_t kCallUs = 30'000'000;
constexpr uint32_t kIntervalMs = 500;
constexpr size_t kMaxNotes = 200;

absl::Status ToStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

// Such a request is refused each time; what else goes wrong may pass: a full disk, a missing right,
// a topic that some brokers do not know of yet.
bool IsFinal(fleet::v1::Refusal::Reason reason) {
  using fleet::v1::Refusal;
  return reason == Refusal::STALE_EPOCH || reason == Refusal::EPOCH_REUSED ||
         reason == Refusal::OTHER_JOB || reason == Refusal::OTHER_WORKER;
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  // Each life of a worker has a connection of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class Link final : public WorkerLink {
 public:
  Link(const std::string& address, Bell& bell, int64_t send_retry_us)
      : bell_(bell),
        min_send_retry_us_(send_retry_us),
        send_retry_us_(send_retry_us),
        stub_(fleet::v1::Fleet::NewStub(Connect(address))) {
    listener_ = std::thread([this] { Listen(); });
    sender_ = std::thread([this] { SendAll(); });
  }
  ~Link() override {
    {
      const MutexLock lock(mutex_);
      closing_ = true;
      for (grpc::ClientContext* call : {stream_, call_}) {
        if (call != nullptr) call->TryCancel();
      }
      changed_.NotifyAll();
    }
    listener_.join();
    sender_.join();
  }

  std::optional<Heard> TakeHeard() override {
    const MutexLock lock(mutex_);
    return std::exchange(heard_, std::nullopt);
  }
  std::vector<std::string> TakeNotes() override {
    const MutexLock lock(mutex_);
    return std::exchange(notes_, {});
  }
  void Send(const fleet::v1::AssignRequest& request) override {
    const MutexLock lock(mutex_);
    if (request.epoch() == asked_epoch_) return;
    asked_epoch_ = request.epoch();
    to_send_ = request;
    changed_.NotifyAll();
  }
  absl::Status TakeRefusal() override {
    const MutexLock lock(mutex_);
    return std::exchange(refusal_, absl::OkStatus());
  }
  uint64_t known_epoch() const override {
    const MutexLock lock(mutex_);
    return known_epoch_;
  }
  void AskPlan(const fleet::v1::PlanRequest& request) override {
    const MutexLock lock(mutex_);
    if (plan_asked_) return;
    plan_asked_ = true;
    to_plan_ = request;
    changed_.NotifyAll();
  }
  std::optional<absl::StatusOr<fleet::v1::PlanReply>> TakePlan() override {
    const MutexLock lock(mutex_);
    if (plan_.has_value()) plan_asked_ = false;
    return std::exchange(plan_, std::nullopt);
  }

 private:
  bool closing() const {
    const MutexLock lock(mutex_);
    return closing_;
  }
  void Pause(int64_t microseconds) {
    const MutexLock lock(mutex_);
    if (!closing_) changed_.WaitFor(mutex_, microseconds);
  }

  void Listen() {
    while (!closing()) {
      grpc::ClientContext context;
      if (!Enter(stream_, context)) return;
      fleet::v1::ObserveRequest request;
      request.set_interval_ms(kIntervalMs);
      const auto reader = stub_->Observe(&context, request);
      fleet::v1::Observation observation;
      while (reader->Read(&observation)) Take(std::move(observation));
      reader->Finish();
      Leave(stream_);
      bell_.Ring();
      Pause(kRetryUs);
    }
  }

  void Take(fleet::v1::Observation observation) {
    {
      const MutexLock lock(mutex_);
      for (const std::string& note : observation.notes()) {
        if (notes_.size() < kMaxNotes) notes_.push_back(note);
      }
      heard_ = Heard{std::move(observation), SystemClock().MonotonicMicroseconds()};
    }
    bell_.Ring();
  }

  void SendAll() {
    while (true) {
      std::optional<fleet::v1::AssignRequest> assign;
      std::optional<fleet::v1::PlanRequest> plan;
      {
        const MutexLock lock(mutex_);
        while (!closing_ && !to_send_.has_value() && !to_plan_.has_value()) {
          changed_.WaitFor(mutex_, 1'000'000);
        }
        if (closing_) return;
        assign = to_send_;
        plan = std::exchange(to_plan_, std::nullopt);
      }
      if (plan.has_value()) CallPlan(*plan);
      if (!assign.has_value()) continue;
      if (assign->epoch() != std::exchange(sent_epoch_, assign->epoch())) {
        send_retry_us_ = min_send_retry_us_;
      }
      if (!CallAssign(*assign)) Pause(send_retry_us_);
    }
  }

  void CallPlan(const fleet::v1::PlanRequest& request) {
    grpc::ClientContext context;
    if (!Enter(call_, context)) return;
    fleet::v1::PlanReply reply;
    const absl::Status status = ToStatus(stub_->Plan(&context, request, &reply));
    Leave(call_);
    {
      const MutexLock lock(mutex_);
      if (status.ok()) {
        plan_.emplace(std::move(reply));
      } else {
        plan_.emplace(status);
      }
    }
    bell_.Ring();
  }

  // False when it is to be sent again.
  bool CallAssign(const fleet::v1::AssignRequest& request) {
    grpc::ClientContext context;
    if (!Enter(call_, context)) return true;
    fleet::v1::AssignReply reply;
    const grpc::Status result = stub_->Assign(&context, request, &reply);
    const absl::Status status = ToStatus(result);
    Leave(call_);
    fleet::v1::Refusal refusal;
    refusal.ParseFromString(result.error_details());
    const bool again = !status.ok() && !IsFinal(refusal.reason());
    // A worker that comes up soon answers; one that has refused is not to be pestered.
    const bool is_silent = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    if (again && !is_silent) send_retry_us_ = std::min(kMaxSendRetryUs, 2 * send_retry_us_);
    {
      const MutexLock lock(mutex_);
      if (to_send_.has_value() && to_send_->epoch() == request.epoch() && !again) {
        to_send_.reset();
      }
      known_epoch_ = std::max<uint64_t>(known_epoch_, refusal.epoch());
      if (!status.ok() && status != last_refusal_) refusal_ = last_refusal_ = status;
    }
    bell_.Ring();
    return !again;
  }

  // A call that a closing link cancels; false when it is closing already.
  bool Enter(grpc::ClientContext*& place, grpc::ClientContext& context) {
    const MutexLock lock(mutex_);
    if (closing_) return false;
    if (&place != &stream_) {
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::microseconds(kCallUs));
    }
    place = &context;
    return true;
  }
  void Leave(grpc::ClientContext*& place) {
    const MutexLock lock(mutex_);
    place = nullptr;
  }

  Bell& bell_;
  const int64_t min_send_retry_us_;
  int64_t send_retry_us_;    // of the sender
  uint64_t sent_epoch_ = 0;  // likewise
  const std::unique_ptr<fleet::v1::Fleet::Stub> stub_;
  mutable Mutex mutex_;
  ConditionVariable changed_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  // Calls under way; set and used with the mutex only, so that none is cancelled that is gone.
  grpc::ClientContext* stream_ = nullptr;
  grpc::ClientContext* call_ = nullptr;
  std::optional<Heard> heard_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> notes_ ABSL_GUARDED_BY(mutex_);
  std::optional<fleet::v1::AssignRequest> to_send_ ABSL_GUARDED_BY(mutex_);
  uint64_t asked_epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t known_epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status refusal_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_refusal_ ABSL_GUARDED_BY(mutex_);
  bool plan_asked_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<fleet::v1::PlanRequest> to_plan_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::StatusOr<fleet::v1::PlanReply>> plan_ ABSL_GUARDED_BY(mutex_);
  std::thread listener_;
  std::thread sender_;  // last: they use the others
};

}  // namespace

std::unique_ptr<WorkerLink> WorkerLink::Open(const std::string& address, Bell& bell,
                                             int64_t send_retry_us) {
  return std::make_unique<Link>(address, bell, send_retry_us);
}

}  // namespace streamml::cluster
