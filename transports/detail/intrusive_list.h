// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_INTRUSIVE_LIST_H_
#define KAIROS_TRANSPORTS_DETAIL_INTRUSIVE_LIST_H_

namespace kairos::detail {

// A place in at most one list, which it leaves when it is destroyed. Stays where it is.
class ListNode {
 public:
  ListNode() noexcept : previous_(this), next_(this) {}
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool isLinked() const noexcept { return next_ != this; }

  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

  // `node` is in no list.
  void insertBefore(ListNode& node) noexcept {
    node.previous_ = previous_;
    node.next_ = this;
    previous_->next_ = &node;
    previous_ = &node;
  }

  // Clang's analyzer does not see that an element has left its list before it is deleted.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete)
  ListNode& next() const noexcept { return *next_; }

 private:
  ListNode* previous_;
  ListNode* next_;
};

// Owns nothing. Element derives from ListNode.
template <class Element>
class IntrusiveList {
 public:
  bool empty() const noexcept { return !end_.isLinked(); }
  Element& front() const noexcept { return static_cast<Element&>(end_.next()); }
  void pushBack(Element& element) noexcept { end_.insertBefore(element); }

  Element& popFront() noexcept {
    Element& first = front();
    first.unlink();
    return first;
  }

  // Stops when `visit` returns false.
  template <class Visit>
  void forEach(Visit visit) const {
    for (ListNode* node = &end_.next(); node != &end_; node = &node->next()) {
      if (!visit(static_cast<Element&>(*node))) return;
    }
  }

 private:
  ListNode end_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_INTRUSIVE_LIST_H_
