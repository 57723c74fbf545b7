// RE2::Set behind one narrow door.
#include "source/route/regex_set.h"

#include <algorithm>
#include <utility>

#include "re2/set.h"
#include "source/match/re2_options.h"

namespace proxenos::route {
namespace {

// Below this many patterns, one by one is as fast, and needs no second copy of the programs.
constexpr size_t kMinPatterns = 4;
// DFA states take memory only as they are met; this is where the set would give up.
constexpr int64_t kBaseMemory = int64_t{16} << 20;
constexpr int64_t kMemoryPerPattern = 64 * 1024;

}  // namespace

struct RegexSet::Automaton {
  explicit Automaton(const re2::RE2::Options& options) : set(options, re2::RE2::ANCHOR_BOTH) {}
  re2::RE2::Set set;
};

RegexSet::RegexSet() = default;
RegexSet::RegexSet(RegexSet&&) noexcept = default;
RegexSet& RegexSet::operator=(RegexSet&&) noexcept = default;
RegexSet::~RegexSet() = default;

void RegexSet::Add(match::Regex regex) { regexes_.push_back(std::move(regex)); }

void RegexSet::Build(int64_t max_memory) {
  if (regexes_.size() < kMinPatterns) return;
  re2::RE2::Options options = match::ByteOptions();
  options.set_max_mem(max_memory != 0 ? max_memory
                                      : kBaseMemory + kMemoryPerPattern *
                                                          static_cast<int64_t>(regexes_.size()));
  auto automaton = std::make_unique<Automaton>(options);
  for (const match::Regex& regex : regexes_) {
    const absl::string_view pattern = regex.pattern();
    if (automaton->set.Add(re2::StringPiece(pattern.data(), pattern.size()), nullptr) < 0) return;
  }
  if (automaton->set.Compile()) automaton_ = std::move(automaton);
}

bool RegexSet::MatchAll(absl::string_view text, const std::vector<int>** matches) const {
  if (automaton_ == nullptr) return false;
  thread_local std::vector<int> found;
  re2::RE2::Set::ErrorInfo error;
  if (!automaton_->set.Match(re2::StringPiece(text.data(), text.size()), &found, &error)) {
    if (error.kind != re2::RE2::Set::kNoError) return false;
    found.clear();
  }
  std::sort(found.begin(), found.end());
  *matches = &found;
  return true;
}

}  // namespace proxenos::route
