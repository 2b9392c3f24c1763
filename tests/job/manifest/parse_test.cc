#include "gmock/gmock.h"
#include "tests/job/manifest/support.h"

namespace streamml::manifest {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The mistake that kSmall has with `from` replaced by `to`.
std::string Mistake(std::string_view from, std::string_view to) {
  return std::string(Parse(Edited(from, to), "job.yaml").status().message());
}

TEST(Parse, DefaultsAreFilledIn) {
  const absl::StatusOr<Manifest> manifest = Parse(kSmall, "job.yaml");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const job::v1::JobSpec& spec = manifest->job.spec();
  EXPECT_EQ(spec.time_zone(), "UTC");
  EXPECT_EQ(spec.log().partitions(), 16);
  EXPECT_EQ(spec.workers().lanes(), 16);
  EXPECT_EQ(spec.snapshots().interval(), "10s");
  EXPECT_EQ(spec.sources(0).watermark().delay(), "0s");
  EXPECT_EQ(spec.sources(0).on_error().policy(), "deadLetter");
  EXPECT_EQ(spec.views(0).emit(), "watermark");
  EXPECT_EQ(spec.models(0).features().scale(), "none");
  EXPECT_EQ(spec.models(0).features().hash_bits(), 18);
  EXPECT_EQ(spec.sinks(0).format(), "json");
  EXPECT_FALSE(spec.has_autoscale());
  EXPECT_FALSE(spec.has_replay());
}

TEST(Parse, LanesDefaultToThePartitionsUpTo16) {
  const auto lanes = [](std::string_view partitions) {
    const std::string log = absl::StrCat("spec:\n  log: {partitions: ", partitions, "}\n");
    return Parse(Edited("spec:\n", log), "job.yaml")->job.spec().workers().lanes();
  };
  EXPECT_EQ(lanes("3"), 3);
  EXPECT_EQ(lanes("64"), 16);
}

TEST(Parse, GivenValuesStayAlsoWhenTheyAreZero) {
  const std::string yaml = Edited("{numeric: [twice]}", "{numeric: [twice], hashBits: 0}");
  EXPECT_EQ(Parse(yaml, "job.yaml")->job.spec().models(0).features().hash_bits(), 0);
}

TEST(Parse, ParametersAreKeptAsTheyWereWritten) {
  const std::string yaml = Edited(
      "{name: ftrl}", "{name: ftrl, parameters: {alpha: 1e-3, l1: 0.10, loss: log, lazy: true}}");
  const auto manifest = Parse(yaml, "job.yaml");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const auto& parameters = manifest->job.spec().models(0).learner().parameters();
  EXPECT_EQ(parameters.at("alpha"), "1e-3");
  EXPECT_EQ(parameters.at("l1"), "0.10");
  EXPECT_EQ(parameters.at("loss"), "log");
  EXPECT_EQ(parameters.at("lazy"), "true");
}

TEST(Parse, FreeFormFieldsKeepTheirTypes) {
  const std::string yaml =
      Edited("spec:\n", "spec:\n  workers: {podTemplate: {a: {b: [1, x, true, '1', ~]}}}\n");
  const auto manifest = Parse(yaml, "job.yaml");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  const auto& pod = manifest->job.spec().workers().pod_template();
  const auto& list = pod.fields().at("a").struct_value().fields().at("b").list_value();
  EXPECT_EQ(list.values(0).number_value(), 1);
  EXPECT_EQ(list.values(1).string_value(), "x");
  EXPECT_TRUE(list.values(2).bool_value());
  EXPECT_EQ(list.values(3).string_value(), "1");
  EXPECT_TRUE(list.values(4).has_null_value());
}

TEST(Parse, AnUnknownFieldIsRefusedWithTheNearestKnownOne) {
  EXPECT_THAT(
      Mistake("format:", "fromat:"),
      HasSubstr("job.yaml:8:5: spec.sources[events]: unknown field 'fromat'; did you mean "
                "'format'?; allowed are cluster, columns, file, follow, format, framing, name, "));
  EXPECT_THAT(Mistake("apiVersion:", "api_version:"), HasSubstr("did you mean 'apiVersion'?"));
}

TEST(Parse, AMissingFieldIsRefusedWhereItShouldBe) {
  EXPECT_EQ(Mistake("type: timestamp", ""),
            "job.yaml:10:7: spec.sources[events].columns[at]: field 'type' is missing; allowed are "
            "boolean, bigint, double precision, text, timestamp; not built yet: numeric");
}

TEST(Parse, AFieldGivenTwiceIsRefused) {
  EXPECT_EQ(Mistake("    format: json\n", "    format: json\n    format: csv\n"),
            "job.yaml:9:5: spec.sources[events].format: given twice; first on line 8");
}

TEST(Parse, AFieldWithoutValueIsRefused) {
  EXPECT_EQ(Mistake("file: events.jsonl", "file:"),
            "job.yaml:7:5: spec.sources[events].file: no value; give one or leave the field out");
  EXPECT_THAT(Mistake("file: events.jsonl", "file: ''"), HasSubstr("empty text"));
}

TEST(Parse, ValuesOfTheWrongTypeAreRefused) {
  EXPECT_EQ(Mistake("file: events.jsonl", "file: [a]"),
            "job.yaml:7:11: spec.sources[events].file: expected a text; got a list");
  EXPECT_EQ(Mistake("numeric: [twice]", "numeric: twice"),
            "job.yaml:21:25: spec.models[guess].features.numeric: expected a list; got the text "
            "'twice'");
  EXPECT_EQ(Mistake("{name: small}", "small"),
            "job.yaml:3:11: metadata: expected a mapping with fields of annotations, labels, name, "
            "namespace; got the text 'small'");
  EXPECT_THAT(Mistake("[twice]", "[twice], hashBits: '8'"),
              HasSubstr("expected a whole number; got a text, write 8 without quotes"));
  EXPECT_THAT(Mistake("[twice]", "[twice], hashBits: 8.0"),
              HasSubstr("expected a whole number in decimal digits; got '8.0'"));
  EXPECT_THAT(Mistake("[twice]", "[twice], hashBits: 010"), HasSubstr("octal"));
  EXPECT_THAT(Mistake("[twice]", "[twice], hashBits: 31"),
              HasSubstr("31 is too large; allowed is from 0 to 30"));
  EXPECT_THAT(Mistake("[twice]", "[twice], hashBits: 99999999999999999999"),
              HasSubstr("expected a whole number"));
  EXPECT_THAT(Mistake("[twice]", "[]"), "");
}

TEST(Parse, TextsThatYamlTakesForSomethingElseNeedQuotes) {
  EXPECT_THAT(Mistake("file: events.jsonl", "file: 123"),
              HasSubstr("expected a text; 123 is a number in YAML, write \"123\""));
  EXPECT_THAT(Mistake("[twice]", "[y]"),
              HasSubstr("expected a text; y is a boolean in YAML, write \"y\""));
  EXPECT_EQ(Mistake("[twice]", "['y']"), "");
}

TEST(Parse, BooleansAreTrueAndFalseOnly) {
  for (std::string_view word : {"yes", "on", "off", "True", "y"}) {
    EXPECT_THAT(Mistake("spec:\n", absl::StrCat("spec:\n  suspend: ", word, "\n")),
                HasSubstr(absl::StrCat("write true or false; ", word)));
  }
  EXPECT_THAT(Mistake("spec:\n", "spec:\n  suspend: 'true'\n"),
              HasSubstr("expected true or false; got the text 'true'"));
}

TEST(Parse, WordsOfAnEnumerationAreCheckedWithASuggestion) {
  EXPECT_THAT(Mistake("format: json", "format: jason"),
              HasSubstr("unknown value 'jason'; did you mean 'json'?; allowed are json, csv"));
  EXPECT_THAT(Mistake("type: double precision", "type: float"),
              HasSubstr("unknown value 'float'; did you mean 'double precision'?; allowed are"));
}

TEST(Parse, FormsAreChecked) {
  EXPECT_THAT(Mistake("{column: at}", "{column: at, delay: 5}"),
              HasSubstr("expected a duration such as 500ms, 30s, 1h30m or 7d, at most 36500d; "
                        "got 5"));
  EXPECT_THAT(Mistake("{column: at}", "{column: at, delay: 3 days}"),
              HasSubstr("expected a duration"));
  EXPECT_THAT(Mistake("spec:\n", "spec:\n  snapshots: {interval: 1ms}\n"),
              HasSubstr("1ms is too small; allowed is from 10ms to 1d"));
  EXPECT_THAT(Mistake("name: doubled", "name: Doubled"), HasSubstr("expected an SQL name: a-z"));
  EXPECT_THAT(Mistake("name: amount", "name: amount-eur"), HasSubstr("expected an SQL name"));
  EXPECT_THAT(Mistake("{name: small}", "{name: Small}"), HasSubstr("expected a DNS label"));
}

TEST(Parse, TwoEntriesOfOneNameAreRefused) {
  EXPECT_EQ(Mistake("name: amount", "name: at"),
            "job.yaml:11:7: spec.sources[events].columns[at]: 'at' comes twice; first on line 10");
  EXPECT_THAT(Mistake("[twice]", "[twice, twice]"), HasSubstr("'twice' comes twice"));
}

TEST(Parse, AUnionHasExactlyOneOfItsAlternatives) {
  EXPECT_EQ(Mistake("    file: events.jsonl\n", ""),
            "job.yaml:6:5: spec.sources[events]: exactly one of topic, file must be given; got "
            "none");
  EXPECT_THAT(Mistake("from: guess", "from: guess, sql: SELECT 1"),
              HasSubstr("exactly one of sql, from must be given; got sql and from"));
}

TEST(Parse, WhatIsNotBuiltIsNotOffered) {
  EXPECT_THAT(
      Mistake("format: json", "format: jsno"),
      EndsWith("did you mean 'json'?; allowed are json, csv; not built yet: avro, protobuf"));
  EXPECT_THAT(Mistake("    learner:", "    lerner:"),
              AllOf(HasSubstr("did you mean 'learner'?"), Not(HasSubstr("imported")),
                    Not(HasSubstr("rollout"))));
}

TEST(Parse, AllMistakesAreReportedUpTo20) {
  EXPECT_EQ(Mistake("    format: json\n    columns:", "    formt: json\n    colums:"),
            "job.yaml:6:5: spec.sources[events]: field 'format' is missing; allowed are json, csv; "
            "not built yet: avro, protobuf\n"
            "job.yaml:6:5: spec.sources[events]: field 'columns' is missing\n"
            "job.yaml:8:5: spec.sources[events]: unknown field 'formt'; did you mean 'format'?; "
            "allowed are cluster, columns, file, follow, format, framing, name, onError, "
            "partitionedBy, topic, watermark\n"
            "job.yaml:9:5: spec.sources[events]: unknown field 'colums'; did you mean 'columns'?; "
            "allowed are cluster, columns, file, follow, format, framing, name, onError, "
            "partitionedBy, topic, watermark");
  std::string many;
  for (int i = 0; i < 50; ++i) absl::StrAppend(&many, "unknown", i, ": 1\n");
  const std::string mistakes = Mistake("spec:", many + "spec:");
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 20);
  EXPECT_THAT(mistakes, HasSubstr("there may be more mistakes"));
}

TEST(Parse, AnchorsAndAliasesAreFollowed) {
  const std::string yaml = Edited(
      "    - {name: amount, type: double precision}\n",
      "    - {name: amount, type: &real double precision}\n    - {name: other, type: *real}\n");
  const auto manifest = Parse(yaml, "job.yaml");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->job.spec().sources(0).columns(2).type(), "double precision");
}

TEST(Parse, OneDocumentIsAManifest) {
  EXPECT_TRUE(Parse(absl::StrCat("---\n", kSmall, "---\n"), "job.yaml").ok());
  EXPECT_TRUE(Parse(absl::StrCat("\xEF\xBB\xBF", kSmall), "job.yaml").ok());
  EXPECT_EQ(Parse(absl::StrCat(kSmall, "---\n", kSmall), "job.yaml").status().message(),
            "job.yaml:26:1: a second document; a manifest is one document");
  EXPECT_EQ(Parse("", "job.yaml").status().message(),
            "job.yaml: empty; a manifest begins with apiVersion");
}

TEST(Parse, WhatIsNotYamlIsRefusedAtItsPlace) {
  EXPECT_THAT(Mistake("{name: small}", "{name: small"), StartsWith("job.yaml:"));
  EXPECT_THAT(Mistake("{name: small}", "{name: small"), HasSubstr("not YAML: "));
  EXPECT_EQ(Mistake("name: events", "name: ev\x01nts"),
            "job.yaml:6:13: control character 0x01 is not allowed");
  EXPECT_EQ(Mistake("name: events", "name: ev\xFFnts"), "job.yaml:6:13: byte 0xff is not UTF-8");
  EXPECT_THAT(Mistake("name: events", "name: !!str events"), HasSubstr("a manifest has no tags"));
  EXPECT_THAT(Mistake("spec:\n", "spec:\n  <<: {}\n"), HasSubstr("merge keys"));
}

}  // namespace
}  // namespace streamml::manifest
