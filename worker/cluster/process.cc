#include "worker/cluster/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/status.h"

namespace streamml::cluster {
namespace {

int ResultOf(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

// Between fork and exec: only what is safe in a signal handler, because other threads of the parent
// may have held any lock.
[[noreturn]] void BecomeCommand(char* const* argv, int log, int kept, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it has ended meanwhile
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  // The parent's locks and sockets must not outlive it in a child.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (kept >= 0) fcntl(kept, F_SETFD, 0);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const std::vector<std::string>& command,
                                                        const std::string& log_path, int kept) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  if (access(argv[0], X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("'", words[0], "' cannot be executed: ", std::strerror(errno)));
  }
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("'", log_path, "' cannot be written: ", std::strerror(errno)));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeCommand(argv.data(), log, kept, parent);
  const int error = errno;
  close(log);
  if (pid < 0) {
    return absl::UnavailableError(
        absl::StrCat("no process could be started: ", std::strerror(error)));
  }
  return std::unique_ptr<Process>(new Process(pid));
}

Process::~Process() {
  if (result_.has_value()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<int> Process::Result() {
  int status = 0;
  if (!result_.has_value() && waitpid(pid_, &status, WNOHANG) == pid_) result_ = ResultOf(status);
  return result_;
}

void Process::Signal(int signal) {
  if (!result_.has_value()) kill(pid_, signal);
}

}  // namespace streamml::cluster
