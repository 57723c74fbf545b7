// Functions of texts, and size().
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "source/cel/function.h"

namespace proxenos::cel {
namespace {

using Kind = Value::Kind;
using Arguments = absl::Span<const Value>;
using Needs = FunctionRow::Needs;

Value Overload() { return Value::Error(kNoSuchOverload); }
Value TooMuch() { return Value::Error(kTooMuch); }

// Characters: bytes that continue one are not counted.
size_t Characters(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

Value Size(Arguments arguments, Memory& memory) {
  const Value& value = arguments[0];
  size_t size;
  if (value.kind == Kind::kString) {
    if (!memory.Walk(value.size)) return TooMuch();
    size = Characters(value.text());
  } else if (value.kind == Kind::kBytes) {
    size = value.size;
  } else if (value.IsList() || value.IsMap()) {
    size = value.Count();
  } else {
    return Overload();
  }
  return Value::Int(static_cast<int64_t>(size));
}

template <bool (*kHolds)(absl::string_view text, absl::string_view part)>
Value Test(Arguments arguments, Memory& memory) {
  const Value& text = arguments[0];
  const Value& part = arguments[1];
  if (text.kind != Kind::kString || part.kind != Kind::kString) return Overload();
  if (!memory.Walk(text.size)) return TooMuch();
  return Value::Bool(kHolds(text.text(), part.text()));
}

// A search by both lengths multiplied is what a peer would like to see: memmem is linear in glibc.
bool Contains(absl::string_view text, absl::string_view part) {
  if (part.empty()) return true;
  // An empty text may be no text at all, of which memmem wants none.
  if (text.size() < part.size()) return false;
  return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
}
bool StartsWith(absl::string_view text, absl::string_view part) {
  return absl::StartsWith(text, part);
}
bool EndsWith(absl::string_view text, absl::string_view part) { return absl::EndsWith(text, part); }

template <char (*kChange)(unsigned char)>
Value Fold(Arguments arguments, Memory& memory) {
  const Value& text = arguments[0];
  if (text.kind != Kind::kString) return Overload();
  if (text.size > Memory::kMaxBytes || !memory.Walk(text.size)) return TooMuch();
  std::string folded(text.text());
  for (char& c : folded) c = kChange(static_cast<unsigned char>(c));
  return memory.KeepString(std::move(folded));
}

// Where the next `part` begins; behind each character where it is empty.
size_t FindNext(absl::string_view text, absl::string_view part) {
  if (text.size() < part.size()) return absl::string_view::npos;
  if (!part.empty()) {
    const void* found = memmem(text.data(), text.size(), part.data(), part.size());
    return found == nullptr ? absl::string_view::npos
                            : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  }
  size_t next = 1;
  while (next < text.size() && (static_cast<uint8_t>(text[next]) & 0xC0) == 0x80) ++next;
  return next < text.size() ? next : absl::string_view::npos;
}

// At most `most` changes; below 0: all.
Value ReplaceUpTo(Arguments arguments, int64_t most, Memory& memory) {
  for (const Value& one : arguments.subspan(0, 3)) {
    if (one.kind != Kind::kString) return Overload();
  }
  absl::string_view text = arguments[0].text();
  const absl::string_view old = arguments[1].text();
  const absl::string_view now = arguments[2].text();
  if (!memory.Walk(text.size())) return TooMuch();
  std::string out;
  if (old.empty() && most != 0) out = std::string(now);
  for (int64_t done = old.empty() ? 1 : 0; most < 0 || done < most; ++done) {
    const size_t next = FindNext(text, old);
    if (next == absl::string_view::npos) break;
    if (out.size() + next + now.size() > Memory::kMaxBytes || !memory.Step()) return TooMuch();
    out.append(text.data(), next);
    out.append(now.data(), now.size());
    text.remove_prefix(next + old.size());
  }
  if (out.size() + text.size() > Memory::kMaxBytes) return TooMuch();
  out.append(text.data(), text.size());
  return memory.KeepString(std::move(out));
}

Value Replace(Arguments arguments, Memory& memory) { return ReplaceUpTo(arguments, -1, memory); }
Value ReplaceSome(Arguments arguments, Memory& memory) {
  if (arguments[3].kind != Kind::kInt) return Overload();
  return ReplaceUpTo(arguments, arguments[3].integer, memory);
}

// At most `most` parts; below 0: all.
Value SplitUpTo(Arguments arguments, int64_t most, Memory& memory) {
  if (arguments[0].kind != Kind::kString || arguments[1].kind != Kind::kString) return Overload();
  absl::string_view text = arguments[0].text();
  const absl::string_view separator = arguments[1].text();
  if (!memory.Walk(text.size())) return TooMuch();
  Items& parts = memory.NewItems();
  if (most == 0 || (text.empty() && separator.empty())) return Value::List(parts);
  for (int64_t done = 1; most < 0 || done < most; ++done) {
    const size_t next = FindNext(text, separator);
    if (next == absl::string_view::npos) break;
    if (!memory.Charge(sizeof(Value)) || !memory.Step()) return TooMuch();
    parts.push_back(Value::String(text.substr(0, next)));
    text.remove_prefix(next + separator.size());
  }
  if (!memory.Charge(sizeof(Value))) return TooMuch();
  parts.push_back(Value::String(text));
  return Value::List(parts);
}

Value Split(Arguments arguments, Memory& memory) { return SplitUpTo(arguments, -1, memory); }
Value SplitSome(Arguments arguments, Memory& memory) {
  if (arguments[2].kind != Kind::kInt) return Overload();
  return SplitUpTo(arguments, arguments[2].integer, memory);
}

constexpr FunctionRow kRows[] = {
    {"size", 1, Size},
    {"contains", 2, Test<Contains>},
    {"startsWith", 2, Test<StartsWith>},
    {"endsWith", 2, Test<EndsWith>},
    {"lowerAscii", 1, Fold<absl::ascii_tolower>, Needs::kStringFunctions},
    {"upperAscii", 1, Fold<absl::ascii_toupper>, Needs::kStringFunctions},
    {"replace", 3, Replace, Needs::kStringFunctions},
    {"replace", 4, ReplaceSome, Needs::kStringFunctions},
    {"split", 2, Split, Needs::kStringFunctions},
    {"split", 3, SplitSome, Needs::kStringFunctions},
};

}  // namespace

absl::Span<const FunctionRow> TextRows() { return kRows; }

}  // namespace proxenos::cel
