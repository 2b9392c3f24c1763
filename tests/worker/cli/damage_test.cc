// What replay finds and mends.
#include <filesystem>

#include "gmock/gmock.h"
#include "tests/worker/cli/command_fixture.h"

namespace streamml::cli {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class DamageTest : public CommandTest {
 protected:
  void SetUp() override {
    MakeJob(400);
    ASSERT_EQ(Run(RunArguments("data", {"--commit-rows", "100"})).exit_code, 0);
    outputs_ = Outputs("data");
  }
  CommandResult Replay() const {
    return Run({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "data"});
  }
  // Changes one byte of a file.
  void Flip(const std::string& name, size_t place, char flip = 1) const {
    std::string text = Read(name);
    ASSERT_LT(place, text.size());
    text[place] = static_cast<char>(text[place] ^ flip);
    Write(name, text);
  }

  std::map<std::string, std::string> outputs_;
};

TEST_F(DamageTest, SoundFolderIsEqualAndSaysFromWhere) {
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 0) << replay.err;
  EXPECT_THAT(replay.out, AllOf(HasSubstr("lane payments[0]"),
                                HasSubstr("journal positions 1 (the oldest replayable)"),
                                HasSubstr("scores/part-00000.jsonl"),
                                HasSubstr("tiny: replayed, everything is equal")));
  EXPECT_EQ(Outputs("data"), outputs_);
}

TEST_F(DamageTest, WithoutAllItIsRefused) {
  const CommandResult replay =
      Run({"replay", "job.yaml", "--bind", "payments=?.jsonl", "--data-dir", "data"});
  EXPECT_EQ(replay.exit_code, 2);
  EXPECT_THAT(replay.err, HasSubstr("--all"));
}

TEST_F(DamageTest, AFolderWithoutAJobIsRefusedAndNotMade) {
  const CommandResult replay =
      Run({"replay", "job.yaml", "--all", "--bind", "payments=?.jsonl", "--data-dir", "elsewhere"});
  EXPECT_EQ(replay.exit_code, 2);
  EXPECT_THAT(replay.err, HasSubstr("holds no job"));
  EXPECT_FALSE(std::filesystem::exists(Path("elsewhere")));
}

TEST_F(DamageTest, DeletedOutputsAreWrittenAgainByteForByte) {
  for (const auto& [name, bytes] : outputs_) std::filesystem::remove(Path("data/" + name));
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 0) << replay.err;
  EXPECT_THAT(replay.out, HasSubstr("written again"));
  EXPECT_EQ(Outputs("data"), outputs_);
}

TEST_F(DamageTest, PartFilesOfAnotherJobAreRefusedAndKept) {
  std::filesystem::create_directories(Path("other/scores"));
  Write("other/scores/part-00000.jsonl", "precious\n");
  const CommandResult run = Run(RunArguments("other"));
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_THAT(run.err, AllOf(HasSubstr("other/scores/part-00000.jsonl"), HasSubstr("--data-dir")));
  EXPECT_EQ(Outputs("other"),
            (std::map<std::string, std::string>{{"scores/part-00000.jsonl", "precious\n"}}));
}

TEST_F(DamageTest, ATruncatedOutputStopsTheRunAndReplayMendsIt) {
  const std::string name = "data/scores/part-00000.jsonl";
  std::filesystem::resize_file(Path(name), Read(name).size() / 2);
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, AllOf(HasSubstr(name), HasSubstr("replay")));
  EXPECT_EQ(Replay().exit_code, 0);
  EXPECT_EQ(Outputs("data"), outputs_);
  EXPECT_EQ(Run(RunArguments("data")).exit_code, 0);
}

TEST_F(DamageTest, AChangedOutputIsReportedWithItsByteAndKept) {
  Flip("data/scores/part-00000.jsonl", 1000);
  const std::map<std::string, std::string> changed = Outputs("data");
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 3);
  EXPECT_THAT(replay.err,
              AllOf(HasSubstr("scores/part-00000.jsonl"), HasSubstr("first at byte 1000")));
  EXPECT_EQ(Outputs("data"), changed);
}

TEST_F(DamageTest, AChangedInputValueIsReportedWithItsPosition) {
  // Far into the file, past the first commit, and of a row that is scored.
  const size_t digit = Read("a.jsonl").find(".25", 20'000) - 1;
  Flip("a.jsonl", digit);
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 4) << replay.out;  // as `run` below
  EXPECT_THAT(replay.err, AllOf(HasSubstr("a.jsonl' has changed"), Not(HasSubstr("MISMATCH")),
                                ContainsRegex("journal position [0-9]+ of lane payments.0."),
                                HasSubstr("byte")));
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_THAT(run.err, AllOf(HasSubstr("a.jsonl"), HasSubstr("has changed")));
  EXPECT_EQ(Outputs("data"), outputs_);
}

TEST_F(DamageTest, AChangedValueThatMakesNoDifferenceIsReportedAsSuch) {
  Flip("a.jsonl", Read("a.jsonl").find("\"amount\":5.25") + 9);  // 4.25: filtered as before
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 4) << replay.out;
  EXPECT_THAT(replay.err, HasSubstr("though its rows give what they gave then"));
}

TEST_F(DamageTest, ItDoesNotMatterHowTheNameOfAnInputIsWritten) {
  EXPECT_EQ(Run({"replay", "job.yaml", "--all", "--bind", "payments=" + Path("?.jsonl"),
                 "--data-dir", Path("data")})
                .exit_code,
            0);
}

TEST_F(DamageTest, InputsMayMoveButNotBeRenamed) {
  for (const std::string folder : {"moved", "renamed"})
    std::filesystem::create_directory(Path(folder));
  for (const std::string name : {"a.jsonl", "b.jsonl"}) {
    Write("moved/" + name, Read(name));
    Write("renamed/x" + name, Read(name));
  }
  const CommandResult moved = Run(
      {"replay", "job.yaml", "--all", "--bind", "payments=moved/?.jsonl", "--data-dir", "data"});
  EXPECT_EQ(moved.exit_code, 0) << moved.err;
  const CommandResult renamed = Run(
      {"replay", "job.yaml", "--all", "--bind", "payments=renamed/*.jsonl", "--data-dir", "data"});
  EXPECT_EQ(renamed.exit_code, 4);
  EXPECT_THAT(renamed.err,
              AllOf(HasSubstr("xa.jsonl' was called 'a.jsonl'"), HasSubstr("name it so again")));
}

TEST_F(DamageTest, AnotherNumberOfInputsIsRefusedAndNothingIsTouched) {
  std::filesystem::create_directory(Path("more"));
  for (const std::string name : {"a.jsonl", "b.jsonl"}) Write("more/" + name, Read(name));
  Write("more/z.jsonl", Read("b.jsonl"));
  const CommandResult run =
      Run({"run", "job.yaml", "--bind", "payments=more/?.jsonl", "--data-dir", "data"});
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_THAT(run.err, AllOf(HasSubstr("files of source payments: "), HasSubstr(" then, "),
                             HasSubstr("with another --data-dir")));
  EXPECT_EQ(Outputs("data"), outputs_);
  EXPECT_EQ(Replay().exit_code, 0);  // its snapshots are still there too
}

TEST_F(DamageTest, AFlippedBitInALogIsReportedWithItsPlace) {
  const std::string log = "data/.streamml/log/lane-2";
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(Path(log)))
    file = entry.path().filename().string();
  Flip(log + "/" + file, 300, 0x10);
  for (const CommandResult& result : {Replay(), Run(RunArguments("data"))}) {
    EXPECT_EQ(result.exit_code, 3) << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(file), ContainsRegex("byte [0-9]+")));
  }
}

TEST_F(DamageTest, AFlippedWeightInASnapshotIsReportedByReplayAndLeftOutByRun) {
  // The largest table file of the model's lane holds its weights.
  std::string largest;
  uintmax_t size = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(Path("data/.streamml/lanes/4/snapshots"))) {
    if (!entry.is_regular_file() || entry.path().extension() != ".sst" || entry.file_size() <= size)
      continue;
    size = entry.file_size();
    largest = std::filesystem::relative(entry.path(), folder_.path()).string();
  }
  ASSERT_FALSE(largest.empty());
  Flip(largest, size / 3);
  const CommandResult replay = Replay();
  EXPECT_EQ(replay.exit_code, 3) << replay.out;
  EXPECT_THAT(replay.err, HasSubstr("snapshot at journal position"));
  const CommandResult run = Run(RunArguments("data"));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("damaged"));
  EXPECT_EQ(Outputs("data"), outputs_);
}

}  // namespace
}  // namespace streamml::cli
