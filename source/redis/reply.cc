// Reading replies.
#include "source/redis/reply.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace proxenos::redis {
namespace {

constexpr size_t kMaxLine = 16 * 1024;  // Of simple strings, errors and numbers.
constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxReserve = 64 * 1024;  // Before any of a bulk has come.

// A size or count: digits, or -1 where null is said so.
bool ReadSize(absl::string_view text, int64_t* size) {
  return absl::SimpleAtoi(text, size) && *size >= -1;
}

}  // namespace

ReplyReader::Status ReplyReader::Next(absl::string_view* bytes, Reply* reply) {
  while (!broken_ && !bytes->empty()) {
    const size_t before = bytes->size();
    Reply value;
    const Step step = in_bulk_ ? TakeBulk(bytes, &value) : TakeLine(bytes, &value);
    bytes_ += before - bytes->size();
    if (step == Step::kBroken || bytes_ > limits_.max_bytes || items_ > limits_.max_items) {
      broken_ = true;
    } else if (step == Step::kValue && Deliver(&value)) {
      *reply = std::move(value);
      bytes_ = items_ = 0;
      return Status::kReply;
    }
  }
  return broken_ ? Status::kBroken : Status::kMore;
}

ReplyReader::Step ReplyReader::TakeLine(absl::string_view* bytes, Reply* value) {
  const size_t end = bytes->find('\n');
  const size_t size = end == absl::string_view::npos ? bytes->size() : end + 1;
  if (line_.size() + size > kMaxLine) return Step::kBroken;
  line_.append(bytes->data(), size);
  bytes->remove_prefix(size);
  if (end == absl::string_view::npos) return Step::kMore;
  if (line_.size() < 3 || line_[line_.size() - 2] != '\r') return Step::kBroken;
  line_.resize(line_.size() - 2);
  const Step step = ReadLine(value);
  line_.clear();
  return step;
}

ReplyReader::Step ReplyReader::ReadLine(Reply* value) {
  const absl::string_view rest = absl::string_view(line_).substr(1);
  value->text = std::string(rest);
  switch (line_[0]) {
    case '+':
    case ',':  // A number with a fraction.
    case '(':  // A large one.
    case '#':  // "t" or "f".
      value->kind = Reply::Kind::kText;
      return Step::kValue;
    case '-':
      value->kind = Reply::Kind::kError;
      return Step::kValue;
    case '_':
      value->text.clear();
      return rest.empty() ? Step::kValue : Step::kBroken;
    case ':':
      value->text.clear();
      value->kind = Reply::Kind::kInteger;
      return absl::SimpleAtoi(rest, &value->integer) ? Step::kValue : Step::kBroken;
    case '$':
    case '!':
    case '=':
      return BeginBulk(rest, value);
    default:
      return BeginList(line_[0], rest, value);
  }
}

ReplyReader::Step ReplyReader::BeginBulk(absl::string_view text, Reply* value) {
  int64_t size;
  if (!ReadSize(text, &size)) return Step::kBroken;
  value->text.clear();
  if (size < 0) return Step::kValue;  // Null.
  if (static_cast<uint64_t>(size) > limits_.max_bytes) return Step::kBroken;
  bulk_is_error_ = line_[0] == '!';
  bulk_has_form_ = line_[0] == '=';
  in_bulk_ = true;
  bulk_left_ = static_cast<uint64_t>(size) + 2;
  bulk_.clear();
  bulk_.reserve(std::min<size_t>(bulk_left_, kMaxReserve));
  return Step::kMore;
}

ReplyReader::Step ReplyReader::TakeBulk(absl::string_view* bytes, Reply* value) {
  const size_t size = std::min<uint64_t>(bytes->size(), bulk_left_);
  bulk_.append(bytes->data(), size);
  bytes->remove_prefix(size);
  bulk_left_ -= size;
  if (bulk_left_ > 0) return Step::kMore;
  in_bulk_ = false;
  if (!absl::EndsWith(bulk_, "\r\n")) return Step::kBroken;
  bulk_.resize(bulk_.size() - 2);
  if (bulk_has_form_) {
    if (bulk_.size() < 4 || bulk_[3] != ':') return Step::kBroken;
    bulk_.erase(0, 4);
  }
  value->kind = bulk_is_error_ ? Reply::Kind::kError : Reply::Kind::kText;
  value->text = std::move(bulk_);
  bulk_.clear();
  return Step::kValue;
}

ReplyReader::Step ReplyReader::BeginList(char kind, absl::string_view text, Reply* value) {
  const bool pairs = kind == '%' || kind == '|';
  if (!pairs && kind != '*' && kind != '~' && kind != '>') return Step::kBroken;
  int64_t size;
  if (!ReadSize(text, &size)) return Step::kBroken;
  value->text.clear();
  if (size < 0) return kind == '*' ? Step::kValue : Step::kBroken;  // Null.
  const uint64_t count = static_cast<uint64_t>(size);
  if (count > limits_.max_items) return Step::kBroken;
  items_ += pairs ? 2 * count : count;
  value->kind = Reply::Kind::kList;
  value->push = kind == '>';
  const bool dropped = kind == '|';
  if (count == 0) return dropped ? Step::kNested : Step::kValue;
  if (levels_.size() == kMaxDepth) return Step::kBroken;
  levels_.push_back({std::move(*value), pairs ? 2 * count : count, dropped});
  return Step::kNested;
}

bool ReplyReader::Deliver(Reply* value) {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    level.list.items.push_back(std::move(*value));
    if (--level.left > 0) return false;
    *value = std::move(level.list);
    const bool dropped = level.dropped;
    levels_.pop_back();
    if (dropped) return false;
  }
  return true;
}

}  // namespace proxenos::redis
