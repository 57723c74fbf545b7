// Sparse: a value that is nearly always the one that T begins with, and then costs a pointer.
//
// For the settings of things that there are ten thousands of.
#pragma once

#include <memory>
#include <utility>

namespace proxenos::base {

// Owner: the object that it is a member of. Thread: as of any value.
template <class T>
class Sparse {
 public:
  Sparse() = default;
  Sparse(const Sparse& other) : value_(other.Copy()) {}
  Sparse(Sparse&&) noexcept = default;
  Sparse& operator=(const Sparse& other) {
    value_ = other.Copy();
    return *this;
  }
  Sparse& operator=(Sparse&&) noexcept = default;
  Sparse& operator=(T value) {
    Mutable() = std::move(value);
    return *this;
  }

  const T& operator*() const { return value_ == nullptr ? Initial() : *value_; }
  const T* operator->() const { return &**this; }

  // To change it: from here on it has memory of its own.
  T& Mutable() {
    if (value_ == nullptr) value_ = std::make_unique<T>();
    return *value_;
  }

  friend bool operator==(const Sparse& a, const Sparse& b) {
    return a.value_ == b.value_ || *a == *b;
  }

 private:
  static const T& Initial() {
    static const T* const kInitial = new T();
    return *kInitial;
  }
  std::unique_ptr<T> Copy() const {
    return value_ == nullptr ? nullptr : std::make_unique<T>(*value_);
  }

  std::unique_ptr<T> value_;
};

}  // namespace proxenos::base
