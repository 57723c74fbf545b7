// Rc: a reference-counted pointer whose count is a plain integer: for objects of one thread.
//
// A published configuration object is wrapped once per worker in such a holder (HeldConst), so
// that a stream pins it for well under a nanosecond instead of an atomic operation.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

namespace proxenos::base {

// Base of what an Rc points to. Owner: its Rcs. Thread: one. Dies when: the last Rc goes.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

 protected:
  ~RefCounted() = default;

 private:
  template <typename T>
  friend class Rc;
  uint32_t references_ = 0;
};

template <typename T>
class Rc {
 public:
  Rc() = default;
  explicit Rc(std::unique_ptr<T> object) : object_(object.release()) { Acquire(); }
  explicit Rc(T* object) : object_(object) { Acquire(); }
  Rc(const Rc& other) : object_(other.object_) { Acquire(); }
  Rc(Rc&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Rc& operator=(Rc other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Rc() { Release(); }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  void reset() { *this = Rc(); }

 private:
  void Acquire() {
    if (object_ != nullptr) ++object_->references_;
  }
  void Release() {
    if (object_ != nullptr && --object_->references_ == 0) {
      std::unique_ptr<T> last(object_);  // Deletes.
    }
  }

  T* object_ = nullptr;
};

// Pins a shared immutable object for one thread: one atomic reference per worker.
template <typename T>
class HeldConst final : public RefCounted {
 public:
  explicit HeldConst(std::shared_ptr<const T> object) : object_(std::move(object)) {}
  const T& operator*() const { return *object_; }
  const T* operator->() const { return object_.get(); }
  const std::shared_ptr<const T>& shared() const { return object_; }

 private:
  const std::shared_ptr<const T> object_;
};

template <typename T>
using Held = Rc<HeldConst<T>>;

template <typename T>
Held<T> Hold(std::shared_ptr<const T> object) {
  return Held<T>(std::make_unique<HeldConst<T>>(std::move(object)));
}

}  // namespace proxenos::base
