// The program itself: its messages and exit codes, and that a signal ends it. No brokers.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace streamml::worker {
namespace {

using ::testing::HasSubstr;

class WorkerProgramTest : public testing::Test {
 protected:
  // Starts it in the folder, its messages in a pipe.
  void Start(std::vector<std::string> arguments) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    arguments.insert(arguments.begin(), STREAMML_WORKER);
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDERR_FILENO);
      close(ends[0]);
      close(ends[1]);
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      if (chdir(folder_.path().c_str()) == 0) execv(STREAMML_WORKER, argv.data());
      _exit(127);
    }
    close(ends[1]);
    errors_ = ends[0];
  }
  // Until it has said so.
  void Await(const std::string& text) {
    char byte = 0;
    while (said_.find(text) == std::string::npos && read(errors_, &byte, 1) == 1) said_ += byte;
    EXPECT_THAT(said_, HasSubstr(text));
  }
  int Finish() {
    char buffer[4096];
    for (ssize_t size = 0; (size = read(errors_, buffer, sizeof(buffer))) > 0;) {
      said_.append(buffer, static_cast<size_t>(size));
    }
    close(errors_);
    int status = 0;
    waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  static std::vector<std::string> Flags(const std::string& data) {
    return {"--name", "w", "--data-dir", data, "--listen", "unix:" + data + ".sock"};
  }

  support::TemporaryFolder folder_;
  pid_t child_ = -1;
  int errors_ = -1;
  std::string said_;
};

TEST_F(WorkerProgramTest, ASignalEndsItInOrder) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Start(Flags("data"));
    Await("serves unix:data.sock");
    kill(child_, signal);
    EXPECT_EQ(Finish(), 0) << said_;
    EXPECT_THAT(said_, HasSubstr("ended"));
    said_.clear();
  }
}

TEST_F(WorkerProgramTest, AFolderInUseIsRefused) {
  Start(Flags("data"));
  Await("serves");
  const pid_t first = child_;
  const int first_errors = errors_;
  said_.clear();
  Start(Flags("data"));
  EXPECT_EQ(Finish(), 4);
  EXPECT_THAT(said_, HasSubstr("data folder 'data' is in use by another process"));
  child_ = first;
  errors_ = first_errors;
  kill(first, SIGTERM);
  EXPECT_EQ(Finish(), 0);
}

TEST_F(WorkerProgramTest, ADamagedAssignmentIsRefused) {
  Start(Flags("data"));
  Await("serves");
  kill(child_, SIGTERM);
  ASSERT_EQ(Finish(), 0);
  std::ofstream(folder_.path() + "/data/assignment") << "nonsense";
  Start(Flags("data"));
  EXPECT_EQ(Finish(), 3);
  EXPECT_THAT(said_, HasSubstr("remove the file"));
}

TEST_F(WorkerProgramTest, PlaintextBeyondThisMachineIsRefused) {
  Start({"--name", "w", "--data-dir", "data", "--listen", "0.0.0.0:0"});
  EXPECT_EQ(Finish(), 2);
  EXPECT_THAT(said_, HasSubstr("without TLS"));
}

}  // namespace
}  // namespace streamml::worker
