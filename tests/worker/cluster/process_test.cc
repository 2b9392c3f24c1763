#include "worker/cluster/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace streamml::cluster {
namespace {

using ::testing::HasSubstr;

int Await(Process& process) {
  while (!process.Result().has_value()) std::this_thread::yield();
  return *process.Result();
}

class ProcessTest : public testing::Test {
 protected:
  std::string Log() const { return folder_.path() + "/log"; }
  std::unique_ptr<Process> Start(const std::string& script, int kept = -1) {
    auto process = Process::Start({"/bin/sh", "-c", script}, Log(), kept);
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }
  std::string Read() const {
    std::ostringstream text;
    text << std::ifstream(Log()).rdbuf();
    return text.str();
  }
  support::TemporaryFolder folder_;
};

TEST_F(ProcessTest, TellsItsEndAndKeepsItsMessages) {
  EXPECT_EQ(Await(*Start("echo one; echo two >&2; exit 7")), 7);
  EXPECT_EQ(Await(*Start("echo three")), 0);
  EXPECT_EQ(Read(), "one\ntwo\nthree\n");
  const auto process = Start("sleep 1000");
  EXPECT_FALSE(process->Result().has_value());
  process->Signal(SIGKILL);
  EXPECT_EQ(Await(*process), -SIGKILL);
}

TEST_F(ProcessTest, InheritsNothingButWhatIsKept) {
  const int secret = open("/dev/null", O_RDONLY);
  const int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(Await(*Start("ls /proc/self/fd | wc -l; ls /proc/$$/fd", kept)), 0);
  const std::string descriptors = Read();
  EXPECT_THAT(descriptors, HasSubstr("\n" + std::to_string(kept) + "\n"));
  EXPECT_EQ(descriptors.find("\n" + std::to_string(secret) + "\n"), std::string::npos)
      << descriptors;
  close(secret);
  close(kept);
}

TEST_F(ProcessTest, AProgramThatIsMissingIsNamed) {
  EXPECT_THAT(std::string(Process::Start({"/nowhere/x"}, Log(), -1).status().message()),
              HasSubstr("'/nowhere/x' cannot be executed"));
}

}  // namespace
}  // namespace streamml::cluster
