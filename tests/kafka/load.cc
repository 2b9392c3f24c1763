// kafka_load fill|drain|follow: puts JSON lines into a topic, reads a topic into files, tells when
// records can be read. --help lists the options.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <numeric>

#include "absl/strings/str_join.h"
#include "tests/kafka/drain.h"
#include "tests/kafka/fill.h"
#include "tests/kafka/follow.h"

namespace streamml::kafka {
namespace {

struct Arguments {
  std::string brokers;
  std::vector<std::string> settings;
  std::string file = "-";
  FillOptions fill;
  DrainOptions drain;
  FollowOptions follow;
};

absl::StatusOr<std::vector<Setting>> ParseSettings(const Arguments& arguments) {
  std::vector<Setting> settings = {{"bootstrap.servers", arguments.brokers}};
  for (const std::string& text : arguments.settings) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError("--set " + text + ": NAME=VALUE is wanted");
    }
    settings.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return settings;
}

absl::Status RunFill(Arguments& arguments) {
  std::ifstream file;
  if (arguments.file != "-") {
    file.open(arguments.file, std::ios::binary);
    if (!file) return absl::NotFoundError(arguments.file + ": cannot be read");
  }
  const absl::StatusOr<FillResult> result =
      Fill(arguments.file == "-" ? std::cin : file, arguments.fill);
  if (!result.ok()) return result.status();
  std::printf("{\"rows\":%lld,\"bytes\":%lld,\"seconds\":%.3f,\"rowsPerSecond\":%.0f}\n",
              static_cast<long long>(result->num_rows), static_cast<long long>(result->size_bytes),
              result->seconds, static_cast<double>(result->num_rows) / result->seconds);
  return absl::OkStatus();
}

absl::Status RunDrain(Arguments& arguments) {
  const absl::StatusOr<std::vector<int64_t>> counts = Drain(arguments.drain);
  if (!counts.ok()) return counts.status();
  std::printf("{\"rows\":%lld,\"partitions\":[%s]}\n",
              std::accumulate(counts->begin(), counts->end(), 0LL),
              absl::StrJoin(*counts, ",").c_str());
  return absl::OkStatus();
}

void AddShared(CLI::App& command, Arguments& arguments, std::string& topic) {
  command.add_option("--brokers", arguments.brokers, "HOST:PORT,...; default: $KAFKA")
      ->envname("KAFKA")
      ->required();
  command.add_option("--topic", topic)->required();
  command.add_option("--set", arguments.settings, "NAME=VALUE: a setting of librdkafka");
}

void AddFill(CLI::App& command, Arguments& arguments) {
  FillOptions& fill = arguments.fill;
  AddShared(command, arguments, fill.topic);
  command.add_option("--file", arguments.file, "JSON lines; default: standard input");
  command.add_option("--partitions", fill.num_partitions, "make the topic with so many")
      ->check(CLI::PositiveNumber);
  command.add_option("--key", fill.key_column, "column; default: no keys, partitions in turn");
  command.add_option("--time", fill.time_column, "column; default: the time of sending");
  command.add_option("--rate", fill.rows_per_second, "rows per second; default: all it can")
      ->check(CLI::PositiveNumber);
  command.add_option("--limit", fill.limit_rows, "rows; default: all")
      ->check(CLI::NonNegativeNumber);
}

void AddDrain(CLI::App& command, Arguments& arguments) {
  DrainOptions& drain = arguments.drain;
  AddShared(command, arguments, drain.topic);
  command.add_option("--out", drain.folder, "folder; files PARTITION.tsv")->required();
  command.add_flag("!--uncommitted", drain.read_committed,
                   "also what is not, or not yet, committed");
  command.add_option("--patience", drain.patience_seconds, "seconds without progress; default: 30")
      ->check(CLI::PositiveNumber);
}

absl::Status Run(const CLI::App& command, Arguments& arguments) {
  const absl::StatusOr<std::vector<Setting>> settings = ParseSettings(arguments);
  if (!settings.ok()) return settings.status();
  arguments.fill.settings = arguments.drain.settings = arguments.follow.settings = *settings;
  if (command.get_name() == "fill") return RunFill(arguments);
  return command.get_name() == "drain" ? RunDrain(arguments) : Follow(arguments.follow);
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Fills and drains topics of a Kafka broker.");
  app.require_subcommand(1);
  CLI::App* fill = app.add_subcommand("fill", "JSON lines into a topic");
  CLI::App* drain = app.add_subcommand("drain", "a topic into one file per partition");
  AddFill(*fill, arguments);
  AddDrain(*drain, arguments);
  CLI::App* follow = app.add_subcommand("follow", "a line when committed records can be read");
  AddShared(*follow, arguments, arguments.follow.topic);
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = Run(*app.get_subcommands().front(), arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "kafka_load: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace streamml::kafka

int main(int argc, char** argv) { return streamml::kafka::Main(argc, argv); }
