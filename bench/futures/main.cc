// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What futures and coroutines cost, beside other ways to do the same. In each round all ways of a
// workload run one after the other, beginning with a different one; ratios are formed inside a
// round, to the first of the workload.
//
//   --rounds=N       9 unless given
//   --operations=N   of each way in each round; 200,000 unless given
//   --only=TEXT      the ways whose "workload/contestant" contains that, to count instructions
//   --least          prints the least of all rounds alone, for other programs to read
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/bench/futures/harness.h"

namespace kairos::bench {

void expect(bool claim, const char* sentence) {
  if (claim) return;
  std::fprintf(stderr, "%s\n", sentence);
  std::exit(1);
}

namespace {

struct Options {
  std::size_t rounds = 9;
  std::size_t operations = 200'000;
  std::string only;
  bool printsLeast = false;
};

struct Result {
  Way way;
  std::vector<double> nanoseconds;  // per operation, one a round
  std::vector<double> ratios;
};

Options read(int argc, char** argv) {
  Options options;
  for (const std::string_view argument : std::vector<std::string_view>(argv + 1, argv + argc)) {
    const auto value = [argument](std::string_view name) {
      return argument.starts_with(name) ? std::string(argument.substr(name.size())) : "";
    };
    if (!value("--rounds=").empty()) options.rounds = std::stoul(value("--rounds="));
    if (!value("--operations=").empty()) options.operations = std::stoul(value("--operations="));
    if (!value("--only=").empty()) options.only = value("--only=");
    options.printsLeast = options.printsLeast || argument == "--least";
  }
  return options;
}

std::vector<Result> chosen(const Options& options) {
  std::vector<Result> results;
  for (auto ways : {bareWays(), bareSyncWays(), kairosWays(), kairosSyncWays(), asioWays(),
                    fiberWays(), standardWays()}) {
    for (Way& way : ways) {
      const std::string name = way.workload + '/' + way.contestant;
      if (name.find(options.only) != std::string::npos) results.push_back({way, {}, {}});
    }
  }
  std::stable_sort(results.begin(), results.end(), [](const Result& left, const Result& right) {
    return left.way.workload < right.way.workload;
  });
  return results;
}

double measure(const Way& way, std::size_t operations) {
  const auto start = std::chrono::steady_clock::now();
  way.run(operations);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(operations);
}

void runRound(std::vector<Result>& results, std::size_t operations, std::size_t begin) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    Result& result = results[(begin + i) % results.size()];
    result.nanoseconds.push_back(measure(result.way, operations));
  }
  std::map<std::string, double> first;
  for (Result& result : results) {
    const double taken = result.nanoseconds.back();
    result.ratios.push_back(taken / first.try_emplace(result.way.workload, taken).first->second);
  }
}

double leastOf(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const std::vector<Result>& results) {
  std::printf("%-22s %-14s %9s %9s %9s   %s\n", "workload", "contestant", "ns best", "ns median",
              "ratio", "least-most");
  for (const Result& result : results) {
    const auto [least, most] = std::minmax_element(result.ratios.begin(), result.ratios.end());
    std::printf("%-22s %-14s %9.2f %9.2f %9.3f   %.3f-%.3f\n", result.way.workload.c_str(),
                result.way.contestant.c_str(), leastOf(result.nanoseconds),
                median(result.nanoseconds), median(result.ratios), *least, *most);
  }
}

void printLeast(const std::vector<Result>& results) {
  for (const Result& result : results) {
    std::printf("%s %s %.3f\n", result.way.workload.c_str(), result.way.contestant.c_str(),
                leastOf(result.nanoseconds));
  }
}

int run(const Options& options) {
  std::vector<Result> results = chosen(options);
  for (Result& result : results)
    measure(result.way, std::min<std::size_t>(options.operations, batch));
  for (std::size_t round = 0; round < options.rounds; ++round) {
    runRound(results, options.operations, round);
  }
  options.printsLeast ? printLeast(results) : print(results);
  return results.empty() ? 1 : 0;
}

}  // namespace
}  // namespace kairos::bench

int main(int argc, char** argv) { return kairos::bench::run(kairos::bench::read(argc, argv)); }
