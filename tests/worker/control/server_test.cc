// The service over real gRPC, on sockets in a folder of its own.
#include "worker/control/server.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "absl/log/check.h"
#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/streamml/fleet/v1/fleet.grpc.pb.h"
#include "tests/support/model_disk.h"
#include "tests/support/temporary_folder.h"
#include "tests/worker/control/fake_jobs.h"

namespace streamml::control {
namespace {

using ::testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    CHECK(disk_.MakeDirectories("data").ok());
    WorkerOptions options;
    options.info.set_name("worker-0");
    options.assignment_path = "data/assignment";
    worker_ = *Worker::Make(options, jobs_, disk_, SystemClock());
  }

  absl::Status Serve(const TlsFiles& tls = {}) {
    auto server = FleetServer::Start({"unix:" + folder_.path() + "/socket", tls}, *worker_);
    absl::Status status = server.status();
    if (status.ok()) server_ = *std::move(server);
    return status;
  }
  std::unique_ptr<fleet::v1::Fleet::Stub> Connect(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials =
          grpc::InsecureChannelCredentials()) {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("worker-0");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return fleet::v1::Fleet::NewStub(
        grpc::CreateCustomChannel(server_->address(), credentials, arguments));
  }
  static std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }

  static fleet::v1::AssignRequest Request(uint64_t epoch) {
    return FakeAssignment(epoch, "worker-0", {{0, true}});
  }

  support::TemporaryFolder folder_;
  support::ModelDisk disk_;
  FakeJobs jobs_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<FleetServer> server_;
};

TEST_F(ServerTest, PlansAndTellsMistakesWithTheirPlace) {
  ASSERT_TRUE(Serve().ok());
  const auto stub = Connect();
  fleet::v1::PlanRequest request;
  request.set_manifest("right");
  fleet::v1::PlanReply reply;
  ASSERT_TRUE(stub->Plan(Context().get(), request, &reply).ok());
  EXPECT_EQ(reply.lanes_size(), 4);
  request.set_manifest("wrong");
  ASSERT_TRUE(stub->Plan(Context().get(), request, &reply).ok());
  EXPECT_EQ(reply.mistakes(0).line(), 3u);
}

TEST_F(ServerTest, ARefusalSaysWhatIsToBeDone) {
  ASSERT_TRUE(Serve().ok());
  const auto stub = Connect();
  fleet::v1::AssignReply reply;
  ASSERT_TRUE(stub->Assign(Context().get(), Request(5), &reply).ok());
  const grpc::Status status = stub->Assign(Context().get(), Request(4), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  fleet::v1::Refusal refusal;
  ASSERT_TRUE(refusal.ParseFromString(status.error_details()));
  EXPECT_EQ(refusal.reason(), fleet::v1::Refusal::STALE_EPOCH);
  EXPECT_EQ(refusal.epoch(), 5u);
}

TEST_F(ServerTest, ObserveTellsChangesAtOnceAndEndsWithTheServer) {
  ASSERT_TRUE(Serve().ok());
  const auto stub = Connect();
  const auto context = Context();
  fleet::v1::ObserveRequest request;
  request.set_interval_ms(60'000);  // what comes sooner is a change
  const auto reader = stub->Observe(context.get(), request);
  fleet::v1::Observation seen;
  ASSERT_TRUE(reader->Read(&seen));
  EXPECT_EQ(seen.state(), fleet::v1::WORKER_STATE_IDLE);
  fleet::v1::AssignReply reply;
  ASSERT_TRUE(stub->Assign(Context().get(), Request(5), &reply).ok());
  while (seen.epoch() != 5 || seen.lanes_size() == 0) ASSERT_TRUE(reader->Read(&seen));
  lane::LaneFacts facts;
  facts.phase = lane::Phase::kFailed;
  facts.problem = absl::DataLossError("journal[0] at 17: torn");
  jobs_.SetFacts({facts});
  while (seen.lanes(0).phase() != fleet::v1::PHASE_FAILED) ASSERT_TRUE(reader->Read(&seen));
  EXPECT_THAT(seen.lanes(0).problem().message(), HasSubstr("at 17"));
  std::thread shutdown([this] { server_->Shutdown(5'000'000); });
  while (reader->Read(&seen)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  shutdown.join();
}

TEST_F(ServerTest, TooManyObserversAreRefused) {
  ASSERT_TRUE(Serve().ok());
  const auto stub = Connect();
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<fleet::v1::Observation>>> readers;
  fleet::v1::Observation seen;
  for (int i = 0; i < 8; ++i) {
    contexts.push_back(Context());
    readers.push_back(stub->Observe(contexts.back().get(), {}));
    ASSERT_TRUE(readers.back()->Read(&seen));
  }
  const auto context = Context();
  const auto one_more = stub->Observe(context.get(), {});
  EXPECT_FALSE(one_more->Read(&seen));
  EXPECT_EQ(one_more->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (const auto& other : contexts) other->TryCancel();
}

TEST_F(ServerTest, ADrainAnswersWhenAllIsLetGo) {
  ASSERT_TRUE(Serve().ok());
  const auto stub = Connect();
  fleet::v1::AssignReply assigned;
  ASSERT_TRUE(stub->Assign(Context().get(), Request(5), &assigned).ok());
  fleet::v1::DrainRequest request;
  *request.mutable_job() = Request(1).job();
  request.set_epoch(5);
  fleet::v1::DrainReply reply;
  jobs_.HoldStops();
  grpc::ClientContext impatient;
  impatient.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  EXPECT_EQ(stub->Drain(&impatient, request, &reply).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  jobs_.Release();
  EXPECT_TRUE(stub->Drain(Context().get(), request, &reply).ok()) << "joins the first";
  EXPECT_EQ(jobs_.num_stopped(), 1);
}

TEST_F(ServerTest, PlaintextIsForThisMachineOnly) {
  EXPECT_TRUE(IsLocal("127.0.0.1:0"));
  EXPECT_TRUE(IsLocal("localhost:70"));
  EXPECT_TRUE(IsLocal("[::1]:70"));
  EXPECT_FALSE(IsLocal("0.0.0.0:70"));
  EXPECT_FALSE(IsLocal("[::]:70"));
  EXPECT_FALSE(IsLocal("worker-0.workers:70"));
  const auto server = FleetServer::Start({"0.0.0.0:0", {}}, *worker_);
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("without TLS"));
}

// A CA with two certificates, and a foreign one.
class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    const std::string script = absl::StrCat("cd ", folder_.path(), R"( && {
      for ca in ca foreign; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$ca \
          -keyout $ca.key -out $ca.crt; done
      sign() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$2 \
          -keyout $3.key -out $3.csr -addext subjectAltName=DNS:$2
        openssl x509 -req -in $3.csr -CA $1.crt -CAkey $1.key -days 2 -copy_extensions copy -out $3.crt; }
      sign ca worker-0 server; sign ca controller client; sign foreign controller stranger
    } >openssl.log 2>&1)");
    ASSERT_EQ(std::system(script.c_str()), 0) << Read("openssl.log");
    files_ = {Path("ca.crt"), Path("server.crt"), Path("server.key")};
  }
  std::string Path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  grpc::StatusCode CallAs(const std::string& client) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read("ca.crt");
    if (!client.empty()) {
      options.pem_cert_chain = Read(client + ".crt");
      options.pem_private_key = Read(client + ".key");
    }
    fleet::v1::PlanReply reply;
    return Connect(grpc::SslCredentials(options))->Plan(Context().get(), {}, &reply).error_code();
  }

  TlsFiles files_;
};

TEST_F(TlsTest, OnlyWhoHasACertificateOfTheCaIsServed) {
  ASSERT_TRUE(Serve(files_).ok());
  EXPECT_EQ(CallAs("client"), grpc::StatusCode::OK);
  EXPECT_EQ(CallAs("stranger"), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CallAs(""), grpc::StatusCode::UNAVAILABLE);
  fleet::v1::PlanReply reply;
  EXPECT_EQ(Connect()->Plan(Context().get(), {}, &reply).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, FilesThatAreMissingOrNoneAreNamed) {
  TlsFiles files = files_;
  files.key = Path("nowhere.key");
  EXPECT_THAT(std::string(Serve(files).message()), HasSubstr("key file"));
  files.key = "";
  EXPECT_THAT(std::string(Serve(files).message()), HasSubstr("the key file is missing"));
  files = files_;
  files.ca = Path("openssl.log");
  EXPECT_THAT(std::string(Serve(files).message()), HasSubstr("not in PEM"));
}

}  // namespace
}  // namespace streamml::control
