// lane_sim: the seeded simulator of lanes over a disk that forgets, or over a model of Kafka.
//
//   lane_sim --seeds 0:10000          seeds 0 .. 9999; prints the table of events
//   lane_sim --kafka --seeds 0:10000  lanes of several workers on a model of Kafka
//   lane_sim --seed 17 --trace        one seed, every life of it
//
// Exit code 1 when a seed fails (it is printed, with the command that repeats it) or when an event
// is too rare.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/kafka/kafka_simulate.h"
#include "tests/sim/simulate.h"

namespace {

int Usage() {
  std::fprintf(stderr,
               "usage: lane_sim [--kafka] [--seeds FROM:COUNT | --seed N] [--rows N] [--trace] "
               "[--no-rarity]\n");
  return 2;
}

// The table of events; true when one of them is rare.
bool PrintEvents(streamml::sim::Events& events, const char* const* names, uint64_t count) {
  bool rare = false;
  for (const char* const* name = names; *name != nullptr; ++name) {
    const double share = 100.0 * static_cast<double>(events[*name]) / static_cast<double>(count);
    const bool too_rare = share < 1.0;
    rare = rare || too_rare;
    std::printf("%-36s %8llu seeds %6.1f %%%s\n", *name,
                static_cast<unsigned long long>(events[*name]), share,
                too_rare ? "  too rare" : "");
  }
  return rare;
}

}  // namespace

int main(int argc, char** argv) {
  using streamml::sim::Events;
  uint64_t from = 0;
  uint64_t count = 100;
  bool check_rarity = true;
  bool kafka = false;
  streamml::sim::SimulateOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (flag == "--trace") {
      options.trace = true;
    } else if (flag == "--kafka") {
      kafka = true;
    } else if (flag == "--no-rarity") {
      check_rarity = false;
    } else if (flag == "--seeds" && value != nullptr && std::strchr(value, ':') != nullptr) {
      from = std::strtoull(value, nullptr, 10);
      count = std::strtoull(std::strchr(value, ':') + 1, nullptr, 10);
      ++i;
    } else if (flag == "--seed" && value != nullptr) {
      from = std::strtoull(value, nullptr, 10);
      count = 1;
      check_rarity = false;
      ++i;
    } else if (flag == "--rows" && value != nullptr) {
      options.num_rows = std::strtoull(value, nullptr, 10);
      ++i;
    } else {
      return Usage();
    }
  }
  Events events;
  for (uint64_t seed = from; seed < from + count; ++seed) {
    const absl::Status status = kafka ? streamml::sim::SimulateKafka(seed, options, events)
                                      : streamml::sim::Simulate(seed, options, events);
    if (!status.ok()) {
      std::printf("seed %llu FAILED: %s\n  again: lane_sim%s --seed %llu --rows %llu --trace\n",
                  static_cast<unsigned long long>(seed), status.ToString().c_str(),
                  kafka ? " --kafka" : "", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(options.num_rows));
      return 1;
    }
    const uint64_t passed = seed - from + 1;
    if (passed % 1000 == 0) {
      std::printf("%llu seeds passed\n", static_cast<unsigned long long>(passed));
      std::fflush(stdout);
    }
  }
  const bool rare = PrintEvents(
      events, kafka ? streamml::sim::KafkaEventNames() : streamml::sim::EventNames(), count);
  std::printf("%llu seeds of at least %llu rows passed\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(options.num_rows));
  return rare && check_rarity ? 1 : 0;
}
