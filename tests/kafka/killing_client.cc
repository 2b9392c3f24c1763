// A library to preload (LD_PRELOAD) that kills the process inside a call of librdkafka, where the
// environment variable STREAMML_KILL=PLACE:NUMBER:MICROSECONDS:REPORT says:
//   init      so long after the NUMBER-th rd_kafka_init_transactions began
//   before    so long before the NUMBER-th rd_kafka_commit_transaction: rows are on their way
//   during    so long after the NUMBER-th rd_kafka_commit_transaction began
//   after     when the NUMBER-th rd_kafka_commit_transaction has returned
// Calls of all threads are counted together. REPORT gets PLACE and whether the call was "open" or
// had "returned".
#include <dlfcn.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

struct Plan {
  std::string place;
  long number = 0;
  long microseconds = 0;
  std::string report;
};

Plan ReadPlan() {
  Plan plan;
  const char* text = std::getenv("STREAMML_KILL");
  if (text == nullptr) return plan;
  const std::string all = text;
  const size_t first = all.find(':');
  const size_t second = all.find(':', first + 1);
  const size_t third = all.find(':', second + 1);
  if (first == std::string::npos || second == std::string::npos || third == std::string::npos) {
    std::abort();
  }
  plan.place = all.substr(0, first);
  plan.number = std::atol(all.c_str() + first + 1);
  plan.microseconds = std::atol(all.c_str() + second + 1);
  plan.report = all.substr(third + 1);
  return plan;
}

const Plan& ThePlan() {
  static const Plan plan = ReadPlan();
  return plan;
}

std::atomic<bool> returned{false};

[[noreturn]] void Die() {
  const Plan& plan = ThePlan();
  const std::string text = plan.place + "\t" + (returned.load() ? "returned" : "open") + "\n";
  const int file = open(plan.report.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, text.data(), text.size()) < 0) std::abort();
  kill(getpid(), SIGKILL);
  while (true) pause();
}

void Wait() { std::this_thread::sleep_for(std::chrono::microseconds(ThePlan().microseconds)); }

void DieInAWhile() {
  std::thread([] {
    Wait();
    Die();
  }).detach();
}

using Call = rd_kafka_error_t* (*)(rd_kafka_t*, int);

Call Real(const char* name) { return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name)); }

std::atomic<long> num_inits{0};
std::atomic<long> num_commits{0};

}  // namespace

extern "C" rd_kafka_error_t* rd_kafka_init_transactions(rd_kafka_t* handle, int timeout_ms) {
  static const Call real = Real("rd_kafka_init_transactions");
  const bool fatal = ThePlan().place == "init" && ++num_inits == ThePlan().number;
  if (fatal) DieInAWhile();
  rd_kafka_error_t* error = real(handle, timeout_ms);
  if (fatal) returned.store(true);
  return error;
}

extern "C" rd_kafka_error_t* rd_kafka_commit_transaction(rd_kafka_t* handle, int timeout_ms) {
  static const Call real = Real("rd_kafka_commit_transaction");
  const std::string& place = ThePlan().place;
  const bool fatal = place != "init" && !place.empty() && ++num_commits == ThePlan().number;
  if (!fatal) return real(handle, timeout_ms);
  if (place == "before") {
    Wait();
    Die();
  }
  if (place == "during") DieInAWhile();
  rd_kafka_error_t* error = real(handle, timeout_ms);
  returned.store(true);
  if (place == "after") Die();
  return error;
}
