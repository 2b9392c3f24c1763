// Work that a lane gives away while it goes on: a seam, so that lane code has no thread of its own
// and the simulator decides when the work is done.
#pragma once

#include <functional>
#include <memory>

namespace streamml::lane {

// A task that was given away. Used by the thread that gave it. The destructor waits for its end.
class Pending {
 public:
  virtual ~Pending() = default;
  // Once true, all that the task did is seen here.
  virtual bool done() const = 0;
  // Until done().
  virtual void Wait() = 0;
};

// Thread-safe.
class BackgroundRunner {
 public:
  virtual ~BackgroundRunner() = default;
  // Runs `task` once, in another thread or later in this one. What it refers to must live until it
  // has ended.
  virtual std::unique_ptr<Pending> Start(std::function<void()> task) = 0;
};

// A thread for each task; where there is none to be had the task runs within Start.
std::unique_ptr<BackgroundRunner> MakeThreadRunner();

}  // namespace streamml::lane
