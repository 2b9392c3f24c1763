#include "worker/main/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/status.h"
#include "job/manifest/values.h"
#include "worker/cli/exit_code.h"
#include "worker/cli/revision.h"

namespace streamml::worker {
namespace {

constexpr const char* kDescription =
    "streamml-worker runs the lanes of a StreamML job that a coordinator assigns to it over the "
    "Fleet "
    "protocol\n(proto/streamml/fleet/v1/fleet.proto). Usually it is started by `streamml cluster` "
    "or "
    "by the Kubernetes controller.";

constexpr const char* kFooter =
    R"(The manifest comes with the assignment; credentials for Kafka that it takes from files or the environment are
read here. A worker that is started again goes on with its last assignment, which is kept in DIR.

HTTP: /healthz (it answers), /readyz (all its lanes are up), /metrics (Prometheus).
SIGTERM or SIGINT: lets go of all lanes, each with a commit and a snapshot, and ends, at the latest after
--grace. A second one ends the process at once, which loses nothing that was committed.

Exit codes:
  0  ended in order
  1  could not go on: an address is taken, a folder not writable, letting go took longer than --grace
  2  wrong usage
  3  what is kept in DIR is damaged
  4  DIR is in use by another process

Examples:
  streamml-worker --name worker-0 --data-dir w0 --listen 127.0.0.1:7070 --http 127.0.0.1:8080
  streamml-worker --name worker-0 --data-dir /data --listen 0.0.0.0:7070 --tls-ca ca.crt --tls-cert tls.crt --tls-key tls.key)";

void AddDuration(CLI::App& app, const std::string& name, int64_t& value, const std::string& help) {
  app.add_option_function<std::string>(
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

void AddFlags(CLI::App& app, WorkerLine& line) {
  app.add_option("--name", line.name, "its name in the fleet, as assignments have it")
      ->required()
      ->type_name("NAME");
  app.add_option("--data-dir", line.data_dir,
                 "folder for its assignment and the snapshots of its lanes; one worker a folder")
      ->required()
      ->type_name("DIR");
  app.add_option("--listen", line.server.address,
                 "where the Fleet protocol is served: HOST:PORT, PORT 0 for any that is free, or "
                 "unix:PATH")
      ->required()
      ->type_name("ADDRESS");
  app.add_option("--http", line.http, "where HTTP is served; default: nowhere")
      ->type_name("HOST:PORT");
  app.add_option("--tls-ca", line.server.tls.ca, "who signs the certificates of callers, PEM")
      ->type_name("FILE");
  app.add_option("--tls-cert", line.server.tls.certificate, "certificate of this worker, PEM")
      ->type_name("FILE");
  app.add_option("--tls-key", line.server.tls.key, "key of it, PEM")->type_name("FILE");
  app.add_flag("--allow-plaintext", line.server.allow_plaintext,
               "serve without TLS also where other machines can connect");
  AddDuration(app, "--grace", line.grace_us, "how long letting go may take; default 25s");
  app.add_option("--commit-rows", line.commit_rows,
                 "commit after this many rows read by a lane; 0: only by time")
      ->group("Advanced");
  AddDuration(app, "--commit-interval", line.commit_interval_us,
              "commit at least this often; default 100ms");
  AddDuration(app, "--snapshot-interval", line.snapshot_interval_us,
              "take snapshots this often; default: snapshots.interval of the manifest");
  app.add_option("--state-memory", line.state_memory,
                 "what values in windows may take in memory, such as 512MiB; beyond it those that "
                 "were not used for long are kept on disk; default: no bound")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true));
  for (const char* name : {"--commit-interval", "--snapshot-interval", "--state-memory"}) {
    app.get_option(name)->group("Advanced");
  }
}

}  // namespace

WorkerParse ParseWorkerLine(int argc, const char* const* argv) {
  WorkerParse result;
  // The library reports by exceptions, which end here.
  try {
    CLI::App app(kDescription, "streamml-worker");
    app.footer(kFooter);
    app.set_version_flag("--version", std::string("streamml-worker ") + STREAMML_VERSION);
    AddFlags(app, result.line);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      result.exit_code =
          app.exit(error, std::cout, std::cerr) == 0 ? cli::kExitDone : cli::kExitUsage;
    }
  } catch (const std::exception& error) {
    std::cerr << "streamml-worker: " << error.what() << "\n";
    result.exit_code = cli::kExitUsage;
  }
  return result;
}

}  // namespace streamml::worker
