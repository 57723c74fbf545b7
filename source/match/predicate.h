// Predicate: xds.type.matcher.v3.Matcher.MatcherList.Predicate, compiled: something that holds of
// what is asked about, or does not, or can not be told before more of it is there.
//
// Thread: any (immutable once made).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/match/ip_set.h"
#include "source/match/reading.h"
#include "source/match/string_matcher.h"
#include "source/match/value_matcher.h"

namespace proxenos::match {

class Predicate {
 public:
  enum class Answer : uint8_t { kNo, kYes, kLater };

  // What a text has to be, or to begin with, for a predicate to hold: by this it can be looked up.
  struct Key {
    uint32_t input = 0;
    bool prefix = false;
    bool fold = false;  // Without regard to case: `text` is in lower case.
    std::string text;
  };
  // It can hold only where one of the keys is met, and, if `decides`, does then.
  struct Keys {
    std::vector<Key> keys;
    bool decides = false;
  };

  // `key`: of a pattern that is a whole text or a prefix.
  static Predicate Text(uint32_t input, StringMatcher matcher, std::optional<Key> key);
  static Predicate Ranges(uint32_t input, IpSet ranges);
  static Predicate Metadata(uint32_t input, ValueMatcher matcher, bool invert);
  // input_matchers.consistent_hashing: the hash of the text, modulo, reaches the threshold.
  struct Share {
    uint64_t seed = 0;
    uint32_t modulo = 1;  // Not 0.
    uint32_t threshold = 0;
  };
  static Predicate HashShare(uint32_t input, Share share);
  static Predicate All(std::vector<Predicate> children);
  static Predicate OneOf(std::vector<Predicate> children);
  static Predicate Not(Predicate child);

  Answer Ask(ReadInput read) const;
  // Nothing: it can not be looked up.
  std::optional<Keys> LookUpKeys() const;

 private:
  enum class Kind : uint8_t { kText, kRanges, kMetadata, kHashShare, kAll, kOneOf, kNot };

  Predicate(Kind kind, uint32_t input) : kind_(kind), input_(input) {}
  static Predicate Of(Kind kind, std::vector<Predicate> children);
  Answer AskAll(ReadInput read) const;
  Answer AskOneOf(ReadInput read) const;
  bool Holds(const Reading& reading) const;

  Kind kind_;
  uint32_t input_ = 0;
  bool invert_ = false;
  Share share_;
  std::optional<StringMatcher> text_;
  std::optional<Key> key_;
  std::shared_ptr<const IpSet> ranges_;
  std::shared_ptr<const ValueMatcher> value_;
  std::vector<Predicate> children_;
};

}  // namespace proxenos::match
