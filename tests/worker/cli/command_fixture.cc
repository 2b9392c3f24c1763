#include "tests/worker/cli/command_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/log/check.h"
#include "absl/strings/str_format.h"
#include "base/status.h"

namespace streamml::cli {
namespace {

constexpr const char* kJob = R"(apiVersion: streamml.dev/v1alpha1
kind: StreamMLJob
metadata: {name: tiny}
spec:
  log: {partitions: 4}
  sources:
  - name: payments
    topic: payments
    cluster: main
    format: json
    columns:
    - {name: id, type: bigint}
    - {name: card, type: text}
    - {name: amount, type: double precision}
    - {name: at, type: timestamp, unit: ms}
    - {name: fraud, type: boolean}
    watermark: {column: at, delay: 5s}
  views:
  - name: features
    sql: |
      SELECT id, card, at, amount, fraud, count(*) OVER recent AS payments_1h, 100 / (id % 997) AS ratio
      FROM payments WHERE amount > 10
      WINDOW recent AS (PARTITION BY card ORDER BY at RANGE INTERVAL '1 hour' PRECEDING)
  models:
  - name: scored
    score: features
    train: {from: features, label: fraud, mode: inline}
    features: {numeric: [amount, payments_1h], scale: standard, categorical: [{columns: [card]}], hashBits: 12}
    learner: {name: ftrl}
    metrics: [logloss, auc]
  sinks:
  - {name: scores, from: scored}
  workers: {lanes: 2}
  clusters:
  - {name: main, kafka: {brokers: "kafka:9092"}}
)";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Rows(int rows, int seed) {
  std::string text;
  uint64_t random = static_cast<uint64_t>(seed);
  for (int i = 0; i < rows; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const auto draw = static_cast<int>(random >> 40);
    const int64_t at =
        1'770'000'000'000 + int64_t{i} * 3000 + draw % 2000 - (i == rows / 2 ? 60'000 : 0);
    absl::StrAppendFormat(
        &text, "{\"id\":%d,\"card\":\"c%d\",\"amount\":%d.25,\"at\":%d,\"fraud\":%s}\n",
        2 * i + seed, draw % 37, draw % 200, at, draw % 200 > 150 ? "true" : "false");
    if (i == rows / 3) text += "{\"id\":broken}\n";
  }
  return text;
}

// In the child, between fork and exec.
[[noreturn]] void Become(const std::string& folder, const std::vector<std::string>& arguments,
                         int out, int err, uint64_t file_limit_bytes) {
  std::vector<char*> argv = {const_cast<char*>(STREAMML_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const rlimit limit{file_limit_bytes, file_limit_bytes};
  const bool ready = dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0 &&
                     chdir(folder.c_str()) == 0 &&
                     (file_limit_bytes == 0 || setrlimit(RLIMIT_FSIZE, &limit) == 0);
  if (ready) execv(STREAMML_BINARY, argv.data());
  _exit(99);
}

int Open(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  CHECK(fd >= 0) << path;
  return fd;
}

int Await(pid_t child) {
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

void CommandTest::MakeJob(int rows) {
  Write("job.yaml", kJob);
  Write("a.jsonl", Rows(rows, 1));
  Write("b.jsonl", Rows(rows, 2));
}

void CommandTest::Write(const std::string& name, const std::string& text) const {
  std::ofstream(Path(name), std::ios::binary) << text;
}

std::string CommandTest::Read(const std::string& name) const { return ReadAll(Path(name)); }

std::map<std::string, std::string> CommandTest::Outputs(const std::string& name) const {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(name))) {
    const std::string path = std::filesystem::relative(entry.path(), Path(name)).string();
    if (entry.is_regular_file() && !path.starts_with(".streamml"))
      files[path] = ReadAll(entry.path().string());
  }
  return files;
}

CommandResult CommandTest::Run(const std::vector<std::string>& arguments,
                               uint64_t file_limit_bytes) const {
  const int out = Open(Path(".out"));
  const int err = Open(Path(".err"));
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) Become(folder_.path(), arguments, out, err, file_limit_bytes);
  close(out);
  close(err);
  CommandResult result;
  result.exit_code = Await(child);
  result.out = Read(".out");
  result.err = Read(".err");
  return result;
}

std::vector<std::string> CommandTest::RunArguments(const std::string& data,
                                                   const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"run",        "job.yaml", "--bind", "payments=?.jsonl",
                                        "--data-dir", data};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

void CommandTest::Start(const std::vector<std::string>& arguments) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const int err = Open(Path(".started-err"));
  child_ = fork();
  CHECK(child_ >= 0);
  if (child_ == 0) Become(folder_.path(), arguments, ends[1], err, 0);
  close(ends[1]);
  close(err);
  output_ = ends[0];
}

bool CommandTest::AwaitLine() {
  char byte = 0;
  while (read(output_, &byte, 1) == 1) {
    if (byte == '\n') return true;
  }
  return false;
}

void CommandTest::Signal(int signal) const { CHECK(kill(child_, signal) == 0); }

int CommandTest::Finish() {
  char bytes[4096];
  while (read(output_, bytes, sizeof bytes) > 0) {
  }
  return Leave();
}

int CommandTest::Leave() {
  close(output_);
  output_ = -1;
  const int result = Await(child_);
  child_ = -1;
  return result;
}

void CommandTest::TearDown() {
  if (child_ < 0) return;
  kill(child_, SIGKILL);
  Finish();
}

}  // namespace streamml::cli
