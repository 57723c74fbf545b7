// A doubly linked list whose links live in the elements: no allocation, O(1) unlink from anywhere.
//
// An element derives from ListNode<Tag>; it may be in one list per Tag. A node that is destroyed
// unlinks itself, so a list never holds a dead element. The list never owns.
#pragma once

#include "source/base/check.h"

namespace proxenos::base {

struct DefaultListTag {};

template <typename Tag = DefaultListTag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { Unlink(); }

  bool linked() const { return next_ != nullptr; }

  void Unlink() {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  ListNode* prev_ = nullptr;
  ListNode* next_ = nullptr;
};

template <typename T, typename Tag = DefaultListTag>
class IntrusiveList {
 public:
  IntrusiveList() { Reset(); }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    Clear();
    head_.next_ = head_.prev_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : Element(head_.next_); }
  T* back() { return empty() ? nullptr : Element(head_.prev_); }

  // The element after `element`, or nullptr at the end. REQUIRES: `element` is in this list.
  T* Next(T* element) {
    Node* next = static_cast<Node*>(element)->next_;
    return next == &head_ ? nullptr : Element(next);
  }

  // REQUIRES: `element` is in no list of this Tag.
  void PushBack(T* element) { InsertBefore(&head_, element); }
  void PushFront(T* element) { InsertBefore(head_.next_, element); }

  T* PopFront() {
    T* element = front();
    if (element != nullptr) static_cast<Node*>(element)->Unlink();
    return element;
  }

  // Unlinks `element` from whichever list of this Tag it is in, if any.
  static void Remove(T* element) { static_cast<Node*>(element)->Unlink(); }

  // Moves all of `other` to the end of this list in O(1).
  void Splice(IntrusiveList& other) {
    if (other.empty()) return;
    Node* first = other.head_.next_;
    Node* last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.Reset();
  }

  // Unlinks every element; O(n), since each must know that it is free.
  void Clear() {
    while (!empty()) head_.next_->Unlink();
  }

 private:
  using Node = ListNode<Tag>;

  static T* Element(Node* node) { return static_cast<T*>(node); }

  void Reset() { head_.next_ = head_.prev_ = &head_; }

  void InsertBefore(Node* where, T* element) {
    Node* node = static_cast<Node*>(element);
    DCHECK(!node->linked());
    node->next_ = where;
    node->prev_ = where->prev_;
    where->prev_->next_ = node;
    where->prev_ = node;
  }

  Node head_;
};

}  // namespace proxenos::base
