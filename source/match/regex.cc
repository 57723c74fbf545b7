// RE2 behind one narrow door.
#include "source/match/regex.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "source/match/re2_options.h"

namespace proxenos::match {
namespace {

re2::StringPiece Piece(absl::string_view text) {
  return re2::StringPiece(text.data(), text.size());
}

constexpr int kMaxGroups = 10;  // \0 to \9.

}  // namespace

Regex::Regex(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

absl::StatusOr<Regex> Regex::Compile(absl::string_view pattern, Unit unit) {
  re2::RE2::Options options = ByteOptions();
  if (unit == Unit::kUtf8) options.set_encoding(re2::RE2::Options::EncodingUTF8);
  auto compiled = std::make_shared<const re2::RE2>(Piece(pattern), options);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a regular expression that RE2 takes: ", compiled->error()));
  }
  if (compiled->ProgramSize() > kMaxProgramSize) {
    return absl::InvalidArgumentError(absl::StrCat("regular expression too large: program size ",
                                                   compiled->ProgramSize(), ", at most ",
                                                   kMaxProgramSize));
  }
  return Regex(std::move(compiled));
}

bool Regex::FullMatch(absl::string_view text) const {
  return compiled_->Match(Piece(text), 0, text.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

bool Regex::PartialMatch(absl::string_view text) const {
  return compiled_->Match(Piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

std::optional<std::string> Regex::ReplaceAll(absl::string_view text,
                                             absl::string_view substitution) const {
  const re2::StringPiece whole = Piece(text);
  re2::StringPiece groups[kMaxGroups];
  std::string result;
  size_t at = 0;
  const char* last_end = nullptr;
  while (at <= text.size() &&
         compiled_->Match(whole, at, text.size(), re2::RE2::UNANCHORED, groups, kMaxGroups)) {
    const size_t begin = static_cast<size_t>(groups[0].data() - text.data());
    result.append(text.data() + at, begin - at);
    at = begin;
    if (groups[0].empty() && groups[0].data() == last_end) {
      // An empty match just behind another match is not one of its own: step over one byte.
      if (at < text.size()) result.push_back(text[at]);
      ++at;
      continue;
    }
    compiled_->Rewrite(&result, Piece(substitution), groups, kMaxGroups);
    if (result.size() > kMaxReplacedBytes) return std::nullopt;
    at = begin + groups[0].size();
    last_end = text.data() + at;
  }
  if (at < text.size()) result.append(text.data() + at, text.size() - at);
  if (result.size() > kMaxReplacedBytes) return std::nullopt;
  return result;
}

absl::Status Regex::CheckSubstitution(absl::string_view substitution) const {
  std::string error;
  if (compiled_->CheckRewriteString(Piece(substitution), &error)) return absl::OkStatus();
  return absl::InvalidArgumentError(error);
}

absl::string_view Regex::pattern() const {
  return absl::string_view(compiled_->pattern().data(), compiled_->pattern().size());
}

int Regex::program_size() const { return compiled_->ProgramSize(); }

}  // namespace proxenos::match
