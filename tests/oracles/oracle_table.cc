// Compares the learners, the encoder and the metrics with what River, Vowpal Wabbit and reference
// implementations computed, and prints a table.
//
//   oracle_table [--root PROJECT] [--oracles FOLDER] [--data FOLDER] [--quick] [ID ...]
//
// The folders default to ../shared/oracles and ../shared/data beside the project root. Without them
// it says so and passes. --quick leaves out sets of 50,000 rows and more. With IDs only those run.
// The exit status is 1 when a value is outside the tolerance its oracle states.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/oracles/runs.h"

namespace streamml::oracles {
namespace {

constexpr double kQuickRows = 50'000;

struct Arguments {
  std::string root = ".";
  std::string oracles;
  std::string data;
  bool quick = false;
  std::set<std::string> ids;
};

Arguments ReadArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--root" && has_value) {
      arguments.root = argv[++i];
    } else if (word == "--oracles" && has_value) {
      arguments.oracles = argv[++i];
    } else if (word == "--data" && has_value) {
      arguments.data = argv[++i];
    } else if (word == "--quick") {
      arguments.quick = true;
    } else {
      arguments.ids.insert(word);
    }
  }
  if (arguments.oracles.empty()) arguments.oracles = arguments.root + "/../shared/oracles";
  if (arguments.data.empty()) arguments.data = arguments.root + "/../shared/data";
  return arguments;
}

bool IsLinear(const std::string& id) {
  return id.starts_with("ftrl-") || id.starts_with("vw-ftrl-") || id.starts_with("river-lr-");
}

// Ids this program can run, sorted. Names that mention rcv1 need Vowpal Wabbit's own text format.
std::vector<std::string> FindOracles(const Arguments& arguments) {
  std::vector<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(arguments.oracles)) {
    if (entry.path().extension() != ".json") continue;
    const std::string id = entry.path().stem().string();
    const bool runs = IsLinear(id) || id.starts_with("baseline-") || id.starts_with("scalers-");
    const bool asked = arguments.ids.empty() || arguments.ids.contains(id);
    if (runs && asked && !id.ends_with("rcv1")) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<RunResult> RunOracle(const std::string& id, const Json& oracle,
                                    const Folders& folders) {
  if (IsLinear(id)) return RunLinear(id, oracle, folders);
  if (id.starts_with("scalers-")) return RunScaler(oracle, folders);
  return RunBaseline(oracle, folders);
}

void PrintLine(const std::string& id, const RunResult& result, double seconds) {
  const Comparison& comparison = result.comparison;
  const bool is_absolute = comparison.tolerance().relative == 0;
  std::printf("%-26s %7llu %6llu  %8.1e %s  %5.0e  %-28.28s %8.1e %8.1e  %5.1f  %s\n", id.c_str(),
              static_cast<unsigned long long>(result.rows),
              static_cast<unsigned long long>(comparison.compared()), comparison.worst_difference(),
              is_absolute ? "abs" : "rel",
              is_absolute ? comparison.tolerance().absolute : comparison.tolerance().relative,
              comparison.worst_name().c_str(), result.auc_bin_distance, result.auc_bin_error,
              seconds, comparison.failed() == 0 ? "pass" : "FAIL");
  for (const std::string& failure : comparison.failures()) std::printf("    %s\n", failure.c_str());
  if (comparison.failed() > comparison.failures().size()) {
    std::printf("    ... %llu values outside the tolerance\n",
                static_cast<unsigned long long>(comparison.failed()));
  }
  std::fflush(stdout);
}

enum class Outcome { kPassed, kFailed, kNotAsked };

Outcome RunAndPrint(const std::string& id, const Arguments& arguments) {
  const auto oracle = Json::Load(absl::StrCat(arguments.oracles, "/", id, ".json"));
  if (!oracle.ok()) {
    std::printf("%s: %s\n", id.c_str(), oracle.status().ToString().c_str());
    return Outcome::kFailed;
  }
  const bool is_binary =
      id.starts_with("scalers-") || (*oracle)["task"].text() == "binary classification";
  if (!is_binary) return Outcome::kNotAsked;
  if (arguments.quick && (*oracle)["dataset"]["rows"].number().value_or(0) >= kQuickRows)
    return Outcome::kNotAsked;
  const auto start = std::chrono::steady_clock::now();
  const auto result = RunOracle(id, *oracle, {arguments.oracles, arguments.data});
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  if (!result.ok()) {
    std::printf("%-26s FAIL %s\n", id.c_str(), result.status().ToString().c_str());
    return Outcome::kFailed;
  }
  PrintLine(id, *result, time.count());
  return result->comparison.failed() == 0 ? Outcome::kPassed : Outcome::kFailed;
}

int Main(const Arguments& arguments) {
  for (const std::string& folder : {arguments.oracles, arguments.data}) {
    if (std::filesystem::is_directory(folder)) continue;
    std::printf("oracle_table: %s: not found: running without oracles, nothing was compared\n",
                folder.c_str());
    return 0;
  }
  std::printf("%-26s %7s %6s  %12s  %5s  %-28s %8s %8s  %5s\n", "oracle", "rows", "values",
              "worst diff.", "tol.", "of", "bins off", "bins max", "s");
  size_t run = 0, failed = 0;
  for (const std::string& id : FindOracles(arguments)) {
    const Outcome outcome = RunAndPrint(id, arguments);
    if (outcome != Outcome::kNotAsked) ++run;
    if (outcome == Outcome::kFailed) ++failed;
  }
  std::printf("%zu oracles, %zu failed\n", run, failed);
  return failed == 0 && run > 0 ? 0 : 1;
}

}  // namespace
}  // namespace streamml::oracles

int main(int argc, char** argv) {
  return streamml::oracles::Main(streamml::oracles::ReadArguments(argc, argv));
}
