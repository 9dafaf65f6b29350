// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_LINK_H_
#define KAIROS_FUTURES_ADDON_DETAIL_LINK_H_

namespace kairos::detail {

// A place in at most one LinkList, which it leaves when it is destroyed. Stays where it is.
class Link {
 public:
  Link() noexcept : before_(this), after_(this) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() {
    if (isLinked()) unlink();
  }

  // Clang's analyzer does not see that ContextCore stays while it destroys futures.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete)
  bool isLinked() const noexcept { return after_ != this; }

  void unlink() noexcept {
    before_->after_ = after_;
    after_->before_ = before_;
    before_ = after_ = this;
  }

 private:
  template <class Element>
  friend class LinkList;

  Link* before_;
  Link* after_;
};

// A queue that owns nothing. Element derives from Link.
template <class Element>
class LinkList {
 public:
  bool empty() const noexcept { return !ends_.isLinked(); }
  bool hasOne() const noexcept { return !empty() && ends_.after_ == ends_.before_; }
  Element& front() const noexcept { return static_cast<Element&>(*ends_.after_); }

  // `element` is in no list.
  void pushBack(Element& element) noexcept {
    Link& link = element;
    link.before_ = ends_.before_;
    link.after_ = &ends_;
    ends_.before_->after_ = &link;
    ends_.before_ = &link;
  }

  Element& popFront() noexcept {
    Element& first = front();
    first.unlink();
    return first;
  }

  // All of `others` leave it and come behind, or before, what is here.
  void takeBehind(LinkList& others) noexcept { others.spliceBefore(ends_); }
  void takeBefore(LinkList& others) noexcept { others.spliceBefore(*ends_.after_); }

  // `visit` may unlink the element that it is shown.
  template <class Visit>
  void forEach(Visit visit) const {
    for (Link* link = ends_.after_; link != &ends_;) {
      Link* const after = link->after_;
      visit(static_cast<Element&>(*link));
      link = after;
    }
  }

 private:
  void spliceBefore(Link& place) noexcept {
    if (empty()) return;
    Link* const first = ends_.after_;
    Link* const last = ends_.before_;
    first->before_ = place.before_;
    place.before_->after_ = first;
    last->after_ = &place;
    place.before_ = last;
    ends_.before_ = ends_.after_ = &ends_;
  }

  Link ends_;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_LINK_H_
