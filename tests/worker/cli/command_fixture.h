// Runs the streamml program in a folder of its own, on a small job with windows, a re-key and a
// model.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/temporary_folder.h"

namespace streamml::cli {

struct CommandResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class CommandTest : public testing::Test {
 protected:
  // Writes job.yaml and the inputs a.jsonl and b.jsonl, of `rows` rows each with one late and one
  // broken row.
  void MakeJob(int rows);
  void Write(const std::string& name, const std::string& text) const;
  std::string Read(const std::string& name) const;
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  // All files below `name` whose path does not go through .streamml, by path in it.
  std::map<std::string, std::string> Outputs(const std::string& name) const;

  // `streamml ARGUMENTS` in the folder. With a limit, files cannot grow beyond so many bytes.
  CommandResult Run(const std::vector<std::string>& arguments, uint64_t file_limit_bytes = 0) const;
  // The arguments of a run of the job with the data folder `data`, and more.
  static std::vector<std::string> RunArguments(const std::string& data,
                                               const std::vector<std::string>& more = {});

  // Starts `streamml ARGUMENTS` with its standard output in a pipe.
  void Start(const std::vector<std::string>& arguments);
  // Until a line has come from the started program; false at the end of its output.
  bool AwaitLine();
  void Signal(int signal) const;
  // The started program's exit code, or minus the signal that ended it. Drains its output.
  int Finish();

  // The same, but closes the pipe without reading on.
  int Leave();

  void TearDown() override;

  support::TemporaryFolder folder_;

 private:
  pid_t child_ = -1;
  int output_ = -1;
};

}  // namespace streamml::cli
