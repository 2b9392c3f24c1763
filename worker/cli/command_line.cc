#include "worker/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/wording.h"
#include "job/manifest/values.h"
#include "worker/cli/exit_code.h"

namespace streamml::cli {
namespace {

constexpr const char* kDescription =
    "StreamML runs machine learning on event streams: one manifest says where events come from, "
    "which features\n"
    "to compute from them in SQL, which model to train and score on them, and where results go.";

constexpr const char* kFooter = R"(Exit codes:
  0  done; or stopped in order by SIGTERM or SIGINT: the same command goes on from there
  1  could not go on: disk full, folder not writable, a replay that was stopped ...; nothing committed is
     lost, run again
  2  wrong usage, manifest or input
  3  stored data or inputs cannot be trusted: a checksum, digest or sum does not match
  4  the data folder is in use, or belongs to another job, other input files or another build; or another
     process has taken over the job's lanes on Kafka

The manifest is described in docs/manifest.md, its SQL in docs/sql.md, learners and metrics in docs/learners.md.

Examples:
  streamml validate job.yaml
  streamml run job.yaml --bind payments=payments.jsonl --data-dir out
  streamml replay job.yaml --bind payments=payments.jsonl --data-dir out --all)";

constexpr const char* kRunFooter =
    R"(Running again with the same data folder goes on where the last run stopped, however it ended, also by
kill -9; a job whose inputs have ended prints its summary. A source that is a topic has no end: the job goes on until it
is stopped, and waits for brokers that are away. Each sink writes DATA_DIR/<sink>/part-*.jsonl,
of which part-00000 is there, empty, also without rows; dead letters go to DATA_DIR/<relation>.dead/, late rows to
DATA_DIR/<source>.late/. With the log on Kafka, both go to topics of the job's own (see explain). A source's `file` in the manifest is from the manifest's folder; FILE, DIR and the rest of the
command line from the working directory. Ctrl-C or SIGTERM commits and stops; a second Ctrl-C ends the program at once,
which also loses nothing.

Examples:
  streamml run job.yaml                                     (sources that have a `file`)
  streamml run job.yaml --bind payments='day-*.jsonl.gz'    (a glob; plain or gzip)
  streamml run job.yaml --bind clicks=a.csv --bind clicks=b.csv --data-dir out --summary out/summary.json)";

constexpr const char* kValidateFooter =
    R"(Prints every problem as FILE:LINE:COLUMN: PATH: MESSAGE, and says what could not be checked because of them. Exit
code 0 means that `run` would start once its inputs are there: a file that the manifest names and that is missing is a
warning, a FILE of --bind that is missing a mistake; brokers are not asked. Every field of the manifest is in
docs/manifest.md, the SQL in docs/sql.md, learners and metrics in docs/learners.md.

Example:
  streamml validate job.yaml)";

constexpr const char* kExplainFooter = R"(Example:
  streamml explain job.yaml --bind payments='day-*.jsonl')";

constexpr const char* kReplayFooter =
    R"(Executes the journal of each lane from its oldest position in a clean process and compares every digest of
rows and of state, the stored snapshots, and the part files byte for byte. Part files that are missing or too
short are written again. A difference is reported with its position (exit code 3; 4 where the manifest or an input file
is another one now, as `run` has it). Give the --bind of `run`.
Where a build or machine with another fingerprint (see `streamml version`) ran the job before, the oldest position
is that of the first snapshot after it; what was written before is compared by digest and never written again.

Example:
  streamml replay job.yaml --all --bind payments=payments.jsonl --data-dir out)";

constexpr const char* kClusterFooter =
    R"(Runs the job's lanes in N worker processes of this machine and moves them by hand-off: the new owner follows
until it has caught up, then the old one lets go. A worker that ends by itself, also by kill -9, loses its lanes to the
others at once and is started again. Sources and sinks have to be topics; journal and internal topics are on Kafka.

Running again with the same data folder goes on where it stopped, with any number of workers. Dead letters and late rows
are in topics of the job's own (docs/kafka.md). In DIR, .streamml/workers has each worker's folder and its messages
(worker-N.log). Ctrl-C, SIGTERM or --stop: workers commit, let go and end; a second Ctrl-C does not wait for them.

Examples:
  streamml cluster job.yaml --workers 2 --standby --data-dir out
  streamml cluster job.yaml --data-dir out --status          (pids, lanes, rates; --json for programs)
  streamml cluster job.yaml --data-dir out --resize 3
  streamml cluster job.yaml --data-dir out --upgrade /opt/streamml-0.2/streamml
  streamml cluster job.yaml --data-dir out --snapshot        (of each lane, now; --json for programs)
  streamml cluster job.yaml --data-dir out --stop)";

constexpr const char* kSavepointFooter =
    R"(A savepoint is a copy of the whole job at one moment: the state of each lane, positions in sources, rows between
stages. It stands in a folder (an absolute path) or a bucket (s3://..., as snapshots.store, docs/snapshots.md), needs
nothing else, and stays until it is removed. Of a cluster it is taken while it runs. A job of `streamml run` must not
run just then: stop it with SIGTERM, take the savepoint, run it again. A job with restoreFrom: {savepoint: NAME}
begins from it, in a data folder of its own; rows after the savepoint are emitted again. See docs/savepoints.md.

Examples:
  streamml savepoint job.yaml before-migration --data-dir out --store /backup
  streamml savepoint job.yaml --list --store /backup
  streamml savepoint job.yaml --remove before-migration --store /backup)";

constexpr const char* kVersionFooter =
    R"(The fingerprint says which builds compute equal bits: what one has computed is executed again only by builds with
an equal one. Another goes on with a data folder where the one before has stopped in order.

Example:
  streamml version)";

// A shell makes an empty text of a variable that is not set; it would mean the default.
CLI::Validator NotEmpty() {
  return CLI::Validator([](const std::string& text) { return text.empty() ? "it is empty" : ""; },
                        "");
}

// Reads a duration flag such as 100ms.
CLI::Option* AddDuration(CLI::App& app, const std::string& name, int64_t& value,
                         const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&value, name](const std::string& text) {
            const auto duration = manifest::ParseDuration(text);
            if (!duration.ok())
              throw CLI::ValidationError(name, std::string(duration.status().message()));
            value = *duration;
          },
          help)
      ->type_name("DURATION");
}

void AddJob(CLI::App& app, CommandLine& line) {
  app.add_option("JOB", line.job, "the manifest, a YAML file")->required()->type_name("");
}

void AddBind(CLI::App& app, CommandLine& line) {
  app.add_option(
         "--bind", line.bindings,
         "read source NAME from FILE, a path or glob, plain or gzip; may be given several times")
      ->type_name("NAME=FILE")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);  // else it takes the words behind it, such as the manifest
}

void AddDataDir(CLI::App& app, CommandLine& line) {
  app.add_option("--data-dir", line.data_dir,
                 "folder for outputs and, in .streamml, the state of the job; default: ./<name of "
                 "the job>.data")
      ->type_name("DIR")
      ->check(NotEmpty());
}

void AddSize(CLI::App& app, const std::string& name, uint64_t& bytes, const std::string& help) {
  app.add_option(name, bytes, help)
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->group("Advanced");
}

void AddCommits(CLI::App& app, CommandLine& line) {
  app.add_option("--commit-rows", line.commit_rows,
                 "commit after this many rows read by a lane; 0: only by time")
      ->group("Advanced");
  AddDuration(app, "--commit-interval", line.commit_interval_us,
              "commit at least this often; default 100ms")
      ->group("Advanced");
  AddDuration(app, "--snapshot-interval", line.snapshot_interval_us,
              "take snapshots this often; default: snapshots.interval of the manifest")
      ->group("Advanced");
  AddSize(
      app, "--state-memory", line.state_memory,
      "what values in windows may take in memory, such as 512MiB; beyond it those that were not "
      "used for long are kept on disk; default: no bound");
}

void AddRun(CLI::App& app, CommandLine& line) {
  CLI::App& run =
      *app.add_subcommand("run", "run a job: files until they end, topics until it is stopped");
  run.callback([&line] { line.command = Command::kRun; });
  AddJob(run, line);
  AddBind(run, line);
  AddDataDir(run, line);
  run.add_option("--summary", line.summary,
                 "also write the closing summary to FILE as JSON; - prints it instead")
      ->type_name("FILE")
      ->check(NotEmpty());
  run.add_option("--stdout", line.print_sink,
                 "also print the rows of this sink; rows may be seen before they are committed, "
                 "and after a "
                 "crash again, or not")
      ->type_name("SINK")
      ->check(NotEmpty());
  AddCommits(run, line);
  run.footer(kRunFooter);
}

// One of what a cluster can be asked for.
void AddAction(CLI::App& cluster, CommandLine& line, const std::string& name, ClusterAction action,
               const std::string& help) {
  cluster.add_flag_callback(name, [&line, action] { line.cluster_action = action; }, help);
}

void AddCluster(CLI::App& app, CommandLine& line) {
  CLI::App& cluster =
      *app.add_subcommand("cluster", "run a job on Kafka in several workers of this machine");
  AddJob(cluster, line);
  AddDataDir(cluster, line);
  const CLI::Range allowed(1U, 64U);
  CLI::Option* workers =
      cluster.add_option("--workers", line.workers, "run so many workers, 1 to 64")
          ->type_name("N")
          ->check(allowed);
  CLI::Option* standby =
      cluster.add_flag("--standby", line.standby,
                       "each lane is also followed by another worker, ready to take over");
  AddAction(cluster, line, "--status", ClusterAction::kStatus, "of the running cluster");
  CLI::Option* resize = cluster
                            .add_option_function<uint32_t>(
                                "--resize",
                                [&line](uint32_t number) {
                                  line.workers = number;
                                  line.cluster_action = ClusterAction::kResize;
                                },
                                "from now on so many workers in the running cluster")
                            ->type_name("N")
                            ->check(allowed);
  CLI::Option* upgrade =
      cluster
          .add_option_function<std::string>(
              "--upgrade",
              [&line](const std::string& path) {
                line.program = path;
                line.cluster_action = ClusterAction::kUpgrade;
              },
              "move the running cluster's lanes to workers of another build, and wait for it")
          ->type_name("PATH")
          ->check(NotEmpty());
  AddAction(cluster, line, "--snapshot", ClusterAction::kSnapshot,
            "take a snapshot of each lane now, and print their positions once they are durable");
  AddAction(cluster, line, "--stop", ClusterAction::kStop, "the running cluster");
  CLI::Option* status = cluster.get_option("--status");
  CLI::Option* snapshot = cluster.get_option("--snapshot");
  CLI::Option* stop = cluster.get_option("--stop");
  CLI::Option* json = cluster.add_flag("--json", line.json, "print the answer as JSON");
  for (CLI::Option* silent : {workers, resize, upgrade, stop}) json->excludes(silent);
  const std::vector<CLI::Option*> one_of = {workers, status, resize, upgrade, snapshot, stop};
  for (CLI::Option* option : one_of) {
    for (CLI::Option* other : one_of) {
      if (option != other) option->excludes(other);
    }
  }
  standby->needs(workers);
  AddCommits(cluster, line);
  cluster.callback([&line, one_of] {
    line.command = Command::kCluster;
    const auto given = [](const CLI::Option* option) { return option->count() > 0; };
    if (std::any_of(one_of.begin(), one_of.end(), given)) return;
    throw CLI::RequiredError("one of --workers, --status, --resize, --upgrade, --snapshot, --stop");
  });
  cluster.footer(kClusterFooter);
}

void AddSavepoint(CLI::App& app, CommandLine& line) {
  CLI::App& savepoint =
      *app.add_subcommand("savepoint", "take, list or remove savepoints of a job");
  AddJob(savepoint, line);
  CLI::Option* name =
      savepoint.add_option("NAME", line.savepoint, "of the savepoint to take")->type_name("");
  AddBind(savepoint, line);
  AddDataDir(savepoint, line);
  savepoint
      .add_option("--store", line.store,
                  "folder or bucket of savepoints; default: snapshots.store of the manifest")
      ->type_name("STORE")
      ->check(NotEmpty());
  CLI::Option* list = savepoint.add_flag_callback(
      "--list", [&line] { line.savepoint_action = SavepointAction::kList; },
      "print the names of all savepoints");
  CLI::Option* remove = savepoint
                            .add_option_function<std::string>(
                                "--remove",
                                [&line](const std::string& removed) {
                                  line.savepoint = removed;
                                  line.savepoint_action = SavepointAction::kRemove;
                                },
                                "remove a savepoint, and what is left of an unfinished one")
                            ->type_name("NAME");
  name->excludes(list)->excludes(remove);
  list->excludes(remove);
  savepoint.callback([&line, name, list, remove] {
    line.command = Command::kSavepoint;
    if (name->count() + list->count() + remove->count() > 0) return;
    throw CLI::RequiredError("one of NAME, --list, --remove");
  });
  savepoint.footer(kSavepointFooter);
}

void AddOthers(CLI::App& app, CommandLine& line) {
  CLI::App& validate =
      *app.add_subcommand("validate", "check a manifest and print every problem with its place");
  validate.callback([&line] { line.command = Command::kValidate; });
  AddJob(validate, line);
  AddBind(validate, line);
  validate.footer(kValidateFooter);

  CLI::App& explain =
      *app.add_subcommand("explain", "print a job's stages, lanes, keys, state and outputs");
  explain.callback([&line] { line.command = Command::kExplain; });
  AddJob(explain, line);
  AddBind(explain, line);
  explain.footer(kExplainFooter);

  CLI::App& replay =
      *app.add_subcommand("replay", "run the journal of a data folder again and compare");
  replay.callback([&line] { line.command = Command::kReplay; });
  AddJob(replay, line);
  AddBind(replay, line);
  AddDataDir(replay, line);
  replay.add_flag("--all", line.replay_all,
                  "all lanes, from the oldest position (required; nothing less is built yet)");
  replay.footer(kReplayFooter);

  CLI::App& version =
      *app.add_subcommand("version", "print version, revision, fingerprint and formats");
  version.callback([&line] { line.command = Command::kVersion; });
  version.footer(kVersionFooter);
}

// What is wrong with the first word that was not understood, or "" if all were.
std::string Unknown(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  std::vector<std::string> known;
  if (chosen.empty()) {
    if (words.empty() || words.front().starts_with('-')) return "";
    const auto all = [](const CLI::App*) { return true; };
    for (const CLI::App* command : app.get_subcommands(all)) known.push_back(command->get_name());
    return absl::StrCat("unknown command ", Quoted(words.front()), DidYouMean(words.front(), known),
                        "; commands are ", absl::StrJoin(known, ", "));
  }
  for (const CLI::Option* option : chosen.front()->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  // An option's value is among the words, too, and comes before it.
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with('-')) continue;
    return absl::StrCat(chosen.front()->get_name(), ": unknown option ", Quoted(name),
                        DidYouMean(name, known), "; options are ", absl::StrJoin(known, ", "));
  }
  return words.empty() ? ""
                       : absl::StrCat(chosen.front()->get_name(),
                                      ": one word too many: ", Quoted(words.front()));
}

int Refuse(const CLI::App& app, const CLI::ParseError& error) {
  const std::string unknown = Unknown(app);
  if (error.get_exit_code() == 0 || unknown.empty()) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kExitDone : kExitUsage;
  }
  std::cerr << "streamml: " << unknown << "\nRun with --help for more information.\n";
  return kExitUsage;
}

}  // namespace

ParseResult ParseCommandLine(int argc, const char* const* argv) {
  ParseResult result;
  // The library reports by exceptions, which end here.
  try {
    CLI::App app(kDescription, "streamml");
    app.require_subcommand(1);
    app.footer(kFooter);
    AddRun(app, result.line);
    AddCluster(app, result.line);
    AddSavepoint(app, result.line);
    AddOthers(app, result.line);
    try {
      std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
      if (!words.empty() && words.front() == "help") {  // `help run` as `run --help`
        words.erase(words.begin());
        words.push_back("--help");
      }
      std::reverse(words.begin(), words.end());
      app.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      result.exit_code = Refuse(app, error);
    }
  } catch (const std::exception& error) {
    std::cerr << "streamml: " << error.what() << "\n";
    result.exit_code = kExitUsage;
  }
  return result;
}

}  // namespace streamml::cli
