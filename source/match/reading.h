// Reading: what an input of a matcher found in that which is asked about: the text of a header, an
// address, a value of metadata.
//
// Owner: whoever asks, on its stack. Thread: its own.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::match {

struct Reading {
  enum class State : uint8_t {
    kAbsent,
    kLater,  // It may come: a response is not there yet; or it costs too much to find out.
    kThere,
  };

  Reading() = default;
  Reading(const Reading&) = delete;  // Views point into it.
  Reading& operator=(const Reading&) = delete;

  State state = State::kAbsent;
  // Several values joined by ",". Lives in what was read, or in `kept`.
  absl::string_view text;
  // Each of several; empty where there is one.
  absl::InlinedVector<absl::string_view, 4> values;
  absl::string_view ip;                // The bytes of the address, where it is one; may be empty.
  const json::Value* value = nullptr;  // Of metadata.
  std::string kept;

  // The text is `view`, which lives on.
  void Show(absl::string_view view) {
    state = State::kThere;
    text = view;
  }
  void Keep(std::string own) {
    kept = std::move(own);
    Show(kept);
  }
  // Adds one of perhaps several values, which live on.
  void Add(absl::string_view one) {
    if (state != State::kThere) return Show(one);
    if (values.empty()) {
      values.push_back(text);
      kept = std::string(text);
    }
    values.push_back(one);
    absl::StrAppend(&kept, ",", one);
    text = kept;
  }

  // Whether `holds` of the text, or of one of several values: a duplicate can not hide another.
  template <typename Holds>
  bool Any(const Holds& holds) const {
    if (state != State::kThere) return false;
    if (holds(text)) return true;
    for (absl::string_view one : values) {
      if (holds(one)) return true;
    }
    return false;
  }
};

// Reads the input of that number.
using ReadInput = absl::FunctionRef<void(uint32_t input, Reading& reading)>;

}  // namespace proxenos::match
