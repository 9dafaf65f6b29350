// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/prometheus.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace kairos {
namespace {

std::string quoted(std::string_view text) {
  std::string value = "\"";
  for (const char character : text) {
    if (character == '\n') {
      value += "\\n";
      continue;
    }
    if (character == '\\' || character == '"') value += '\\';
    value += character;
  }
  return value + '"';
}

// Labels in braces, or nothing if there are none.
class Labels {
 public:
  explicit Labels(const FutureMetrics& metrics) {
    if (!metrics.loop.empty()) add("loop", metrics.loop);
  }

  void add(const char* name, std::string_view value) {
    text_ += (text_.empty() ? "" : ",") + std::string(name) + '=' + quoted(value);
  }
  std::string text() const { return text_.empty() ? text_ : '{' + text_ + '}'; }

 private:
  std::string text_;
};

std::string heading(const std::string& name, const char* type, const char* help) {
  return "# HELP " + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n';
}

std::string sample(const std::string& name, const std::string& labels, std::uint64_t value) {
  return name + labels + ' ' + std::to_string(value) + '\n';
}

std::string labelsOf(const FutureMetrics& metrics, const FutureGroup& group) {
  Labels labels(metrics);
  labels.add("file", group.created.file);
  labels.add("line", std::to_string(group.created.line));
  labels.add("function", group.created.function);
  labels.add("kind", group.kind);
  return labels.text();
}

// Groups that differ in their stacks alone are one here: labels must not be repeated.
std::string pendingText(std::span<const FutureMetrics> contexts) {
  const std::string name = "kairos_pending_futures";
  std::map<std::string, std::uint64_t> pending;
  for (const FutureMetrics& metrics : contexts) {
    for (const FutureGroup& group : metrics.groups) {
      pending[labelsOf(metrics, group)] += group.count;
    }
  }
  std::string text = heading(name, "gauge", "Futures that are pending, by where they were made.");
  for (const auto& [labels, count] : pending) text += sample(name, labels, count);
  return text;
}

struct Counter {
  const char* name;
  const char* help;
  std::uint64_t FutureCounts::*count;
};
constexpr Counter counters[] = {
    {"created", "Futures that were made.", &FutureCounts::created},
    {"completed", "Futures that were completed.", &FutureCounts::completed},
    {"failed", "Futures that have failed.", &FutureCounts::failed},
    {"cancelled", "Futures that were cancelled.", &FutureCounts::cancelled},
    {"dropped", "Futures that went unfinished, with nobody left to know.", &FutureCounts::dropped},
};

std::string counterText(const Counter& counter, std::span<const FutureMetrics> contexts) {
  const std::string name = "kairos_futures_" + std::string(counter.name) + "_total";
  std::string text = heading(name, "counter", counter.help);
  for (const FutureMetrics& metrics : contexts) {
    text += sample(name, Labels(metrics).text(), metrics.counts.*counter.count);
  }
  return text;
}

}  // namespace

FutureMetrics metricsOf(const FutureContext& context, std::string loop) {
  return {std::move(loop), futureCounts(context), futuresInProgress(context)};
}

std::string prometheusText(std::span<const FutureMetrics> contexts) {
  if (!diagnosticsEnabled()) return {};
  std::string text = pendingText(contexts);
  for (const Counter& counter : counters) text += counterText(counter, contexts);
  return text;
}

std::string prometheusText(const FutureContext& context) {
  const FutureMetrics metrics = metricsOf(context);
  return prometheusText({&metrics, 1});
}

}  // namespace kairos
