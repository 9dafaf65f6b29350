// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_LINK_H_
#define KAIROS_FUTURES_ADDON_DETAIL_LINK_H_

namespace kairos::detail {

// A place in at most one LinkList, of one who knows by itself whether it is in a list: nothing is
// set up for it, and nothing is done when it goes.
class BareLink {
 protected:
  BareLink() noexcept {}  // NOLINT(modernize-use-equals-default): nothing is set
  ~BareLink() = default;

  // Requires that it is in a list. Clang's analyzer takes the ends of a list for one that has left.
  void leaveList() noexcept {
    before_->after_ = after_;
    after_->before_ = before_;  // NOLINT(clang-analyzer-core.NullDereference)
  }

 private:
  template <class Element>
  friend class LinkList;
  friend class Link;

  BareLink* before_;
  BareLink* after_;
};

// A place in at most one LinkList, which it leaves when it is destroyed. Stays where it is.
class Link : public BareLink {
 public:
  Link() noexcept { after_ = nullptr; }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  // Clang's analyzer does not see that ContextCore stays while it destroys futures.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete)
  bool isLinked() const noexcept { return after_ != nullptr; }

  void unlink() noexcept {
    if (isLinked()) leaveList();
  }

 protected:
  void leaveList() noexcept {
    BareLink::leaveList();
    after_ = nullptr;
  }

 private:
  template <class Element>
  friend class LinkList;
};

// A queue that owns nothing. Element derives from Link, or from BareLink.
template <class Element>
class LinkList {
 public:
  LinkList() noexcept { beEmpty(); }
  LinkList(const LinkList&) = delete;
  LinkList& operator=(const LinkList&) = delete;
  ~LinkList() {
    while (!empty()) popFront();
  }

  bool empty() const noexcept { return ends_.after_ == &ends_; }
  bool hasOne() const noexcept { return !empty() && ends_.after_ == ends_.before_; }
  Element& front() const noexcept { return static_cast<Element&>(*ends_.after_); }

  // `element` is in no list.
  void pushBack(Element& element) noexcept {
    BareLink& link = element;
    BareLink* const last = ends_.before_;
    link.before_ = last;
    last->after_ =
        &link;  // between: GCC would gather both of a link in a vector, which takes longer
    link.after_ = &ends_;
    ends_.before_ = &link;
  }

  Element& popFront() noexcept {
    Element& first = front();
    first.leaveList();
    return first;
  }

  // All of `others` leave it and come behind, or before, what is here.
  void takeBehind(LinkList& others) noexcept {
    if (others.empty()) return;
    others.spliceBefore(ends_);
    others.beEmpty();
  }
  void takeBefore(LinkList& others) noexcept {
    if (others.empty()) return;
    others.spliceBefore(*ends_.after_);
    others.beEmpty();
  }
  // The same with `others` that are not empty and not used again.
  void takeRestBehind(LinkList& others) noexcept { others.spliceBefore(ends_); }

  // `visit` may unlink the element that it is shown.
  template <class Visit>
  void forEach(Visit visit) const {
    for (BareLink* link = ends_.after_; link != &ends_;) {
      BareLink* const after = link->after_;
      visit(static_cast<Element&>(*link));
      link = after;
    }
  }

 private:
  void beEmpty() noexcept { ends_.before_ = ends_.after_ = &ends_; }

  void spliceBefore(BareLink& place) noexcept {
    BareLink* const first = ends_.after_;
    BareLink* const last = ends_.before_;
    first->before_ = place.before_;
    place.before_->after_ = first;
    last->after_ = &place;
    place.before_ = last;
  }

  BareLink ends_;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_LINK_H_
