// SPDX-License-Identifier: MIT OR Apache-2.0
// The text for Prometheus, read by a parser that takes nothing but the format. Tracking is on.
#include "kairos/futures-addon/prometheus.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

using Labels = std::map<std::string, std::string>;

struct Sample {
  Labels labels;
  std::uint64_t value;
};

// https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4, of which only whole
// numbers without a time are wanted here. Throws what is wrong.
class Exposition {
 public:
  explicit Exposition(std::string_view text) : rest_(text) {
    while (!rest_.empty()) {
      line_ = upTo('\n');
      if (line_.starts_with("# ")) {
        heading();
      } else {
        sample();
      }
    }
  }

  const std::string& typeOf(const std::string& metric) const { return types_.at(metric); }
  const std::vector<Sample>& of(const std::string& metric) const { return samples_.at(metric); }
  std::size_t metrics() const { return types_.size(); }

 private:
  [[noreturn]] void refuse(const char* why) const {
    throw std::runtime_error(std::string(why) + ": " + std::string(line_));
  }
  std::string_view upTo(char end) {
    const std::size_t size = rest_.find(end);
    if (size == std::string_view::npos) refuse("no end of a line");
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return part;
  }
  char next() {
    if (line_.empty()) refuse("too short");
    const char character = line_.front();
    line_.remove_prefix(1);
    return character;
  }
  void expect(char character) {
    if (next() != character) refuse("not the character that belongs here");
  }
  std::string name() {
    std::string name;
    while (!line_.empty() &&
           (std::isalnum(static_cast<unsigned char>(line_.front())) != 0 || line_.front() == '_')) {
      name += next();
    }
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
      refuse("no name");
    }
    return name;
  }

  // HELP comes first, then TYPE, each once, before the samples.
  void heading() {
    line_.remove_prefix(2);
    const std::string keyword = name();
    expect(' ');
    metric_ = name();
    expect(' ');
    if (keyword == "HELP" && !helped_.insert(metric_).second) refuse("a second HELP");
    if (keyword == "HELP") return;
    if (keyword != "TYPE" || !helped_.contains(metric_)) refuse("no heading");
    if (line_ != "gauge" && line_ != "counter") refuse("no type");
    if (!types_.emplace(metric_, line_).second) refuse("a second TYPE");
    samples_[metric_];
  }

  void sample() {
    if (name() != metric_ || !types_.contains(metric_)) refuse("not of the last TYPE");
    Sample sample{labels(), 0};
    if (!series_.emplace(metric_, sample.labels).second) refuse("the same labels again");
    expect(' ');
    if (line_.empty()) refuse("no value");
    while (!line_.empty()) sample.value = sample.value * 10 + digit();
    samples_[metric_].push_back(std::move(sample));
  }
  std::uint64_t digit() {
    const char character = next();
    if (character < '0' || character > '9') refuse("no number");
    return static_cast<std::uint64_t>(character - '0');
  }

  Labels labels() {
    Labels labels;
    if (line_.empty() || line_.front() != '{') return labels;
    do {
      next();
      std::string label = name();
      expect('=');
      expect('"');
      if (!labels.emplace(std::move(label), value()).second) refuse("a label twice");
    } while (!line_.empty() && line_.front() == ',');
    expect('}');
    return labels;
  }
  std::string value() {
    std::string value;
    for (char character = next(); character != '"'; character = next()) {
      value += character == '\\' ? escaped() : character;
    }
    return value;
  }
  char escaped() {
    const char character = next();
    if (character == 'n') return '\n';
    if (character != '\\' && character != '"') refuse("an escape that there is not");
    return character;
  }

  std::string_view rest_;
  std::string_view line_;
  std::string metric_;
  std::set<std::string> helped_;
  std::set<std::pair<std::string, Labels>> series_;
  std::map<std::string, std::string> types_;
  std::map<std::string, std::vector<Sample>> samples_;
};

const std::string pendingMetric = "kairos_pending_futures";

class PrometheusTest : public FutureTest {
 protected:
  static std::uint64_t only(const Exposition& exposition, const std::string& metric) {
    EXPECT_EQ(exposition.of(metric).size(), 1U);
    EXPECT_EQ(exposition.typeOf(metric), "counter");
    return exposition.of(metric).at(0).value;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, PrometheusTest, backends(), backendName);

// F53
TEST_P(PrometheusTest, TellsWhatIsPendingByPlace) {
  Promise<> promise(context_);
  std::vector<Future<>> sleeps;
  const unsigned line = __LINE__ + 1;
  for (int i = 0; i < 3; ++i) sleeps.push_back(sleepAsync(context_, seconds(1)));
  const Exposition exposition(prometheusText(context_));
  EXPECT_EQ(exposition.typeOf(pendingMetric), "gauge");
  ASSERT_EQ(exposition.of(pendingMetric).size(), 2U);
  const bool isFirst = exposition.of(pendingMetric)[0].value == 3;
  const Sample& sleep = exposition.of(pendingMetric)[isFirst ? 0 : 1];
  EXPECT_EQ(sleep.value, 3U);
  EXPECT_EQ(sleep.labels.size(), 4U);
  EXPECT_EQ(sleep.labels.at("line"), std::to_string(line));
  EXPECT_EQ(sleep.labels.at("function"), "TestBody");
  EXPECT_EQ(sleep.labels.at("kind"), "sleepAsync");
  EXPECT_NE(sleep.labels.at("file").find("prometheus_test.cc"), std::string::npos);
  promise.complete();
  settleUntil(sleeps.back());
}

// F53
TEST_P(PrometheusTest, TellsTotals) {
  Promise<> completed(context_);
  Promise<> failed(context_);
  Promise<> cancelled(context_);
  const Future<> future = failed.future();
  { const Promise<> dropped(context_); }
  completed.complete();
  failed.fail(std::runtime_error("broken"));
  cancelled.cancel();
  const Exposition exposition(prometheusText(context_));
  EXPECT_EQ(exposition.metrics(), 6U);
  EXPECT_TRUE(exposition.of(pendingMetric).empty());
  EXPECT_EQ(only(exposition, "kairos_futures_created_total"), 4U);
  EXPECT_EQ(only(exposition, "kairos_futures_completed_total"), 1U);
  EXPECT_EQ(only(exposition, "kairos_futures_failed_total"), 1U);
  EXPECT_EQ(only(exposition, "kairos_futures_cancelled_total"), 1U);
  EXPECT_EQ(only(exposition, "kairos_futures_dropped_total"), 1U);
  EXPECT_NE(future.readError(), nullptr);
}

// F53: any file has a name that its label can hold.
TEST(PrometheusTextTest, EscapesLabels) {
  const char* const file = "C:\\new\\\"odd\"\nname\\";
  const FutureMetrics metrics{
      .loop = "\\\"\n", .counts = {}, .groups = {{"kind", {file, 7, "f"}, {}, 5}}};
  const Exposition exposition(prometheusText({&metrics, 1}));
  ASSERT_EQ(exposition.of(pendingMetric).size(), 1U);
  const Sample& sample = exposition.of(pendingMetric)[0];
  EXPECT_EQ(sample.labels.at("file"), file);
  EXPECT_EQ(sample.labels.at("loop"), metrics.loop);
  EXPECT_EQ(sample.value, 5U);
}

// F53: one text for all threads, in which no heading comes twice.
TEST_P(PrometheusTest, TellsLoopsApart) {
  Promise<> promise(context_);
  const std::vector<FutureMetrics> loops{metricsOf(context_, "a"), metricsOf(context_, "b")};
  promise.complete();
  const Exposition exposition(prometheusText(loops));
  ASSERT_EQ(exposition.of(pendingMetric).size(), 2U);
  EXPECT_EQ(exposition.of(pendingMetric)[0].labels.at("loop"), "a");
  EXPECT_EQ(exposition.of(pendingMetric)[1].labels.at("loop"), "b");
  EXPECT_EQ(exposition.of("kairos_futures_created_total").size(), 2U);
}

// Stacks are not among the labels, by which a series is known.
TEST(PrometheusTextTest, AddsUpWhatDiffersInItsStackAlone) {
  const FutureGroup group{"kind", {"file", 1, "function"}, {}, 2};
  FutureGroup other = group;
  other.stack = StackTrace::current();
  const FutureMetrics metrics{.loop = {}, .counts = {}, .groups = {group, other}};
  const Exposition exposition(prometheusText({&metrics, 1}));
  ASSERT_EQ(exposition.of(pendingMetric).size(), 1U);
  EXPECT_EQ(exposition.of(pendingMetric)[0].value, 4U);
}

}  // namespace
}  // namespace kairos
