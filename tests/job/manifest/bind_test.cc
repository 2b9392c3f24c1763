#include "job/manifest/bind.h"

#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Manifest WithTopic() {
  const std::string yaml =
      Edited("    file: events.jsonl\n", "    topic: events\n    cluster: main\n");
  absl::StatusOr<Manifest> manifest = Parse(yaml, "job.yaml");
  EXPECT_TRUE(manifest.ok()) << manifest.status();
  return *std::move(manifest);
}

TEST(Bind, FilesOfOneNameAddUpInTheOrderGiven) {
  const std::vector<std::string> flags = {"b=2.jsonl", "a=x=y.jsonl", "b=1*.jsonl"};
  EXPECT_THAT(*ParseBindings(flags), ElementsAre(Pair("a", ElementsAre("x=y.jsonl")),
                                                 Pair("b", ElementsAre("2.jsonl", "1*.jsonl"))));
}

TEST(Bind, AFlagNeedsNameAndFileAndNoFileComesTwice) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"events"}, {"=x"}, {"events="}, {"a=x", "b=x", "a=x"}}) {
    EXPECT_THAT(ParseBindings(flags).status().message(), HasSubstr("--bind '")) << flags.back();
  }
}

TEST(Bind, ABindingTakesThePlaceOfATopic) {
  EXPECT_THAT(*ResolveFiles(WithTopic(), {{"events", {"a", "b"}}}),
              ElementsAre(Pair("events", ElementsAre("a", "b"))));
}

TEST(Bind, TheManifestsFileIsUsedUnlessAnotherIsBound) {
  const Manifest manifest = *Parse(kSmall, "job.yaml");
  EXPECT_THAT(*ResolveFiles(manifest, {}),
              ElementsAre(Pair("events", ElementsAre("events.jsonl"))));
  EXPECT_THAT(*ResolveFiles(manifest, {{"events", {"other"}}}),
              ElementsAre(Pair("events", ElementsAre("other"))));
}

TEST(Bind, AnUnknownSourceIsRefusedWithTheSourcesThereAre) {
  EXPECT_EQ(ResolveFiles(*Parse(kSmall, "job.yaml"), {{"event", {"x"}}}).status().message(),
            "job.yaml: --bind event=x: no source 'event'; did you mean 'events'?; sources are "
            "events");
}

TEST(Bind, AnUnboundTopicIsLeftOut) { EXPECT_THAT(*ResolveFiles(WithTopic(), {}), ElementsAre()); }

TEST(Bind, TheManifestsFileIsRelativeToTheManifestAndABoundOneIsNot) {
  Manifest manifest = *Parse(kSmall, "jobs/tiny/job.yaml");
  EXPECT_THAT(*ResolveFiles(manifest, {}),
              ElementsAre(Pair("events", ElementsAre("jobs/tiny/events.jsonl"))));
  EXPECT_THAT(*ResolveFiles(manifest, {{"events", {"other"}}}),
              ElementsAre(Pair("events", ElementsAre("other"))));
  manifest.job.mutable_spec()->mutable_sources(0)->set_file("/data/events-*.jsonl");
  EXPECT_THAT(*ResolveFiles(manifest, {}),
              ElementsAre(Pair("events", ElementsAre("/data/events-*.jsonl"))));
}

}  // namespace
}  // namespace streamml::manifest
