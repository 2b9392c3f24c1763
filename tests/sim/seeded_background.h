// Background work of a simulated process, in its one thread: a task runs at a later step that the
// simulator chooses, when somebody waits for it, or never, because the process died.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "worker/lane/background.h"

namespace streamml::sim {

class SeededBackground final : public lane::BackgroundRunner {
 public:
  std::unique_ptr<lane::Pending> Start(std::function<void()> task) override {
    auto work = std::make_shared<Work>();
    work->task = std::move(task);
    waiting_.push_back(work);
    return std::make_unique<Handle>(std::move(work));
  }

  bool has_work() {
    std::erase_if(waiting_, [](const auto& work) { return work->task == nullptr; });
    return !waiting_.empty();
  }
  // Only when there is work.
  void RunOldest() { waiting_.front()->Run(); }

 private:
  // Shared by the list and the handle: either may go first.
  struct Work {
    std::function<void()> task;  // null: has run, or nobody wants it any more
    bool done = false;
    void Run() {
      if (task) std::exchange(task, nullptr)();
      done = true;
    }
  };
  class Handle final : public lane::Pending {
   public:
    explicit Handle(std::shared_ptr<Work> work) : work_(std::move(work)) {}
    ~Handle() override { work_->task = nullptr; }
    bool done() const override { return work_->done; }
    void Wait() override { work_->Run(); }

   private:
    const std::shared_ptr<Work> work_;
  };

  std::vector<std::shared_ptr<Work>> waiting_;  // oldest first
};

}  // namespace streamml::sim
