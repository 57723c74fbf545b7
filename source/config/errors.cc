// The bounded report of all that is wrong with an input.
#include "source/config/errors.h"

#include "source/config/concat.h"

namespace proxenos::config {
namespace {

// Cuts on a UTF-8 boundary, so that a shortened text stays valid in a JSON dump or a NACK.
std::string Shorten(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return Concat(text.substr(0, end), "...");
}

}  // namespace

std::string Error::ToString() const { return path.empty() ? message : Concat(path, ": ", message); }

void Errors::Add(const Path& path, std::string_view message) {
  ++count_;
  if (list_.size() >= kMaxKeptErrors) return;
  list_.push_back({Shorten(path.text(), kMaxErrorBytes), Shorten(message, kMaxErrorBytes)});
}

void Errors::AddValue(const Path& path, std::string_view value, std::string_view expected) {
  constexpr size_t kMaxValueBytes = 120;
  Add(path, Concat("value ", Shorten(value, kMaxValueBytes), ": expected ", expected));
}

void Errors::AddLines(const Path& path, const absl::Status& status) {
  if (status.ok()) return;
  std::string_view rest(status.message().data(), status.message().size());
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (end != 0) Add(path, rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
}

void Errors::Append(const Errors& other) {
  for (const Error& error : other.list_) {
    if (list_.size() >= kMaxKeptErrors) break;
    list_.push_back(error);
  }
  count_ += other.count_;
}

absl::Status Errors::ToStatus(std::string_view subject) const {
  if (ok()) return absl::OkStatus();
  std::string text;
  if (!subject.empty()) config::Append(text, subject, ": ");
  const bool one_line = list_.size() == 1 && count_ == 1;
  if (!one_line) config::Append(text, count_, " errors:");
  for (const Error& error : list_) {
    config::Append(text, one_line ? "" : "\n  ", error.ToString());
  }
  if (count_ > list_.size()) config::Append(text, "\n  and ", count_ - list_.size(), " more");
  return absl::InvalidArgumentError(text);
}

}  // namespace proxenos::config
