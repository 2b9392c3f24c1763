// kafka_bench fill|copy|delay: what comparisons of engines on Kafka need besides the engines.
// --help lists the options.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "tests/bench/kafka/bare_loop.h"
#include "tests/bench/kafka/delay.h"
#include "tests/bench/kafka/sender.h"

namespace streamml::bench {
namespace {

struct Arguments {
  std::string brokers;
  FillOptions fill;
  BareLoopOptions copy;
  DelayOptions delay;
};

int64_t Percentile(const std::vector<int64_t>& ascending, double share) {
  if (ascending.empty()) return -1;
  const auto place = static_cast<size_t>(static_cast<double>(ascending.size()) * share);
  return ascending[std::min(place, ascending.size() - 1)];
}

absl::Status RunDelay(const DelayOptions& options) {
  const absl::StatusOr<DelayResult> result = MeasureDelay(options);
  if (!result.ok()) return result.status();
  const auto at = [&result](double share) {
    return static_cast<long long>(Percentile(result->delays_ms, share));
  };
  std::printf(
      "{\"sent\":%lld,\"readable\":%zu,\"seconds\":%.3f,\"p50\":%lld,\"p90\":%lld,\"p99\":%lld,"
      "\"max\":%lld,\"sinkMarkers\":%lld}\n",
      static_cast<long long>(result->num_sent), result->delays_ms.size(), result->seconds, at(0.5),
      at(0.9), at(0.99), at(1), static_cast<long long>(result->num_markers));
  return absl::OkStatus();
}

void AddBrokers(CLI::App& command, Arguments& arguments) {
  command.add_option("--brokers", arguments.brokers, "HOST:PORT,...; default: $KAFKA")
      ->envname("KAFKA")
      ->required();
}

void AddDelay(CLI::App& command, Arguments& arguments) {
  DelayOptions& delay = arguments.delay;
  AddBrokers(command, arguments);
  command.add_option("--from", delay.sender.topic, "the engine's source")->required();
  command.add_option("--to", delay.sink, "the engine's sink")->required();
  command.add_option("--first", delay.first, "number of the first row");
  command.add_option("--rate", delay.rows_per_second)->check(CLI::PositiveNumber);
  command.add_option("--warm", delay.warm_seconds, "seconds")->check(CLI::NonNegativeNumber);
  command.add_option("--seconds", delay.seconds)->check(CLI::PositiveNumber);
  command.add_option("--patience", delay.patience_seconds, "seconds")->check(CLI::PositiveNumber);
}

absl::Status Run(const std::string& command, Arguments& arguments) {
  arguments.fill.sender.brokers = arguments.delay.sender.brokers = arguments.copy.brokers =
      arguments.brokers;
  if (command == "fill") return Fill(arguments.fill);
  return command == "copy" ? RunBareLoop(arguments.copy) : RunDelay(arguments.delay);
}

int Main(int argc, char** argv) {
  Arguments arguments;
  arguments.fill.sender.linger_ms = 20;
  CLI::App app("Rows, the bare loop and a stopwatch for comparisons of engines on Kafka.");
  app.require_subcommand(1);
  CLI::App* fill = app.add_subcommand("fill", "payments into a topic");
  AddBrokers(*fill, arguments);
  fill->add_option("--topic", arguments.fill.sender.topic)->required();
  fill->add_option("--first", arguments.fill.first, "number of the first row");
  fill->add_option("--rows", arguments.fill.num_rows)->required();
  fill->add_flag("--last", arguments.fill.last, "then rows that let watermarks pass all others");
  CLI::App* copy = app.add_subcommand("copy", "the bare loop: from a topic into another");
  AddBrokers(*copy, arguments);
  copy->add_option("--from", arguments.copy.from)->required();
  copy->add_option("--to", arguments.copy.to)->required();
  AddDelay(*app.add_subcommand("delay", "how long rows take through an engine"), arguments);
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = Run(app.get_subcommands().front()->get_name(), arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "kafka_bench: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace streamml::bench

int main(int argc, char** argv) { return streamml::bench::Main(argc, argv); }
