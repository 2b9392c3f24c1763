#include <atomic>
#include <system_error>
#include <thread>
#include <utility>

#include "worker/lane/background.h"

namespace streamml::lane {
namespace {

class ThreadTask final : public Pending {
 public:
  explicit ThreadTask(std::function<void()> task) : task_(std::move(task)) {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error&) {  // too many threads: slower, and nothing is lost
      Run();
    }
  }
  ~ThreadTask() override { Join(); }
  ThreadTask(const ThreadTask&) = delete;
  ThreadTask& operator=(const ThreadTask&) = delete;

  bool done() const override { return done_.load(); }
  void Wait() override { Join(); }

 private:
  void Run() {
    task_();
    done_.store(true);
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  const std::function<void()> task_;
  std::atomic<bool> done_{false};
  std::thread thread_;  // last: it uses the others
};

class ThreadRunner final : public BackgroundRunner {
 public:
  std::unique_ptr<Pending> Start(std::function<void()> task) override {
    return std::make_unique<ThreadTask>(std::move(task));
  }
};

}  // namespace

std::unique_ptr<BackgroundRunner> MakeThreadRunner() { return std::make_unique<ThreadRunner>(); }

}  // namespace streamml::lane
