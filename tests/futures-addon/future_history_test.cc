// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of futures that are made of each other: what each of them has become is told by
// those that it is made of, each callback runs once, and nothing is left. IF1, IF2, IF3, IF4, IF6,
// IF7, IF11
#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/futures-addon/manual_operation.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

enum class Kind {
  promise,
  sleep,
  operation,  // which is resumed in its own callback
  pass,       // coroutines: what is awaited comes out of it,
  guest,      // the same, of one that begins without a context,
  swallow,    // or does not, whatever it was,
  quiet,      // or was asked for without an exception,
  cleanUp,    // or comes out when it has slept after a cancel,
  two,        // or that of the second, unless that of the first was not completed
  wait,       // and what the layer makes of futures
  withTimeout,
  noCancel,
  join,
  allFutures,
  race,
  both,
  either,
  cancelAndWait,
};
constexpr std::size_t kinds = static_cast<std::size_t>(Kind::cancelAndWait) + 1;

// Counts the scopes that are left, and so the frames that are destroyed.
struct Guard {
  explicit Guard(int& ofOpen) : open(ofOpen) { ++open; }
  ~Guard() { --open; }
  int& open;
};

Future<> operate(ManualOperation*& running, int& open) {
  const Guard guard(open);
  struct AtEnd {
    ~AtEnd() { running = nullptr; }
    ManualOperation*& running;
  } const atEnd{running};
  ManualOperation operation;
  running = &operation;
  co_await operation;
}

// Hides its context.
struct Hidden {
  Future<> inner;
  int& open;
};

Future<> passAsGuest(Hidden hidden) {
  const Guard guard(hidden.open);
  co_await hidden.inner;
}

Future<> pass(Future<> inner, int& open) {
  const Guard guard(open);
  co_await inner;
}

Future<> swallow(Future<> inner, int& open) {
  const Guard guard(open);
  try {
    co_await inner;
  } catch (const std::exception&) {
  }
}

Future<> quiet(Future<> inner, int& open) {
  const Guard guard(open);
  const Future<> finished = co_await noThrow(inner);
  EXPECT_TRUE(finished.finished());
}

Future<> cleanUp(FutureContext& context, Future<> inner, int& open) {
  const Guard guard(open);
  try {
    co_return co_await inner;
  } catch (const CancelledError&) {
  }
  co_await sleepAsync(context, milliseconds(3));
  throw CancelledError();
}

Future<> two(Future<> first, Future<> second, int& open) {
  const Guard guard(open);
  co_await first;
  co_await second;
}

// A future of a history.
struct Node {
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool isKnown() const { return future.isValid(); }
  void drop() {
    promise.reset();
    plain = Future<>();
    inTime = Future<bool>();
    future = FutureBase();
  }

  Kind kind = Kind::promise;
  FutureBase future;
  Future<> plain;                    // the same, unless its value is another,
  Future<bool> inTime;               // as that of a limit
  std::vector<const Node*> of;       // what it is made of
  std::optional<Promise<>> promise;  // of a promise
  std::size_t answer = 0;            // what that does when it is asked to cancel
  ManualOperation* running = nullptr;
  std::array<Probe, 2> callbacks;  // in the order added
  bool isInOrder = true;
};

// What both ended with is the same.
bool isLike(const FutureBase& left, const FutureBase& right) {
  if (left.failed() && right.failed()) return left.readError() == right.readError();
  return left.completed() == right.completed() && left.cancelled() == right.cancelled();
}

bool isTimeout(const FutureBase& future) {
  if (!future.failed()) return false;
  try {
    std::rethrow_exception(future.readError());
  } catch (const TimeoutError&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Whether a finished node is what it can be after those that it is made of. One that is cancelled
// may have been asked to be.
bool isRight(const Node& node) {
  const auto& future = node.future;
  const auto of = [&node](std::size_t i) -> const FutureBase& { return node.of[i]->future; };
  const auto isOneLike = [&] { return isLike(future, of(0)) || isLike(future, of(1)); };
  switch (node.kind) {
    case Kind::promise:
      return true;
    case Kind::sleep:
    case Kind::operation:
      return !future.failed();
    case Kind::pass:
    case Kind::guest:
    case Kind::cleanUp:
    case Kind::noCancel:
      return of(0).finished() && isLike(future, of(0));
    case Kind::swallow:
    case Kind::quiet:
    case Kind::cancelAndWait:
      return of(0).finished() && future.completed();
    case Kind::two:
      return of(0).finished() && isLike(future, of(0).completed() ? of(1) : of(0));
    case Kind::wait:
      if (isTimeout(future)) return of(0).cancelled() || isLike(future, of(0));
      return of(0).finished() && isLike(future, of(0));
    case Kind::withTimeout:
      if (future.completed() && node.inTime.read()) return of(0).finished();
      return !future.failed() && of(0).cancelled();
    case Kind::join:
      return future.cancelled() || (future.completed() && of(0).finished());
    case Kind::allFutures:
      return future.cancelled() || (future.completed() && of(0).finished() && of(1).finished());
    case Kind::race:
      return future.cancelled() || (future.completed() && (of(0).finished() || of(1).finished()));
    case Kind::both:
      if (future.completed()) return of(0).completed() && of(1).completed();
      return future.cancelled() || isOneLike();
    case Kind::either:
      if (future.failed()) return isOneLike();
      return future.cancelled() || isOneLike() || of(0).cancelled() || of(1).cancelled();
  }
  return false;
}

enum class Manner {
  keepsAll,    // futures, until the end, so that all can be looked at
  drops,       // some, and promises, on the way
  endsContext  // instead of waiting for the end
};

class History {
 public:
  History(FutureContext& context, Random& random, Manner manner)
      : context_(context), random_(random), manner_(manner) {}

  // Something happens, here or in a callback of the next tick. No callback of a future runs in it.
  void step() {
    if (random_.oneIn(2)) return stepQuietly();
    Probe& soon = soon_.emplace_back([this] { stepQuietly(); });
    context_.callSoon(Probe::run, &soon);
  }

  // Nobody else can finish these.
  void finishLeaves() {
    for (Node& node : nodes_) finish(node, 0);
  }

  // What is in callbacks does not happen any more.
  void isOver() { isOver_ = true; }

  void expectTheEnd() {
    for (Node& node : nodes_) {
      std::string text = describe(node);
      for (const Node* each : node.of) text += ", of " + describe(*each);
      SCOPED_TRACE(text);
      EXPECT_TRUE(!node.isKnown() || node.future.finished());
      for (const Probe& callback : node.callbacks) EXPECT_EQ(callback.runs(), 1U);
      EXPECT_TRUE(node.isInOrder);
      EXPECT_TRUE(manner_ != Manner::keepsAll || isRight(node));
    }
  }

  // In any order.
  void dropAll() {
    std::vector<Node*> all;
    for (Node& node : nodes_) all.push_back(&node);
    std::shuffle(all.begin(), all.end(), random_.engine());
    for (Node* node : all) node->drop();
    EXPECT_EQ(open_, 0) << "frames";
  }

 private:
  static constexpr std::size_t lasting = 3;  // which there are from the beginning to the end

  static std::string describe(const Node& node) {
    std::string text = std::to_string(static_cast<int>(node.kind));
    if (!node.isKnown()) return text + " dropped";
    text += node.future.completed()   ? " completed"
            : node.future.failed()    ? " failed"
            : node.future.cancelled() ? " cancelled"
                                      : " pending";
    return text;
  }

  void stepQuietly() {
    if (isOver_) return;
    const std::size_t before = runs_;
    happen();
    EXPECT_EQ(runs_, before) << "inside a call";
  }

  void happen() {
    if (nodes_.size() < lasting || random_.oneIn(2)) return make();
    Node& node = any();
    switch (random_.below(manner_ == Manner::drops ? 5 : 4)) {
      case 0:
        node.future.tryCancel();
        return;
      case 1:
        return node.future.cancelSoon();
      case 4:
        if (&node != &nodes_[0]) node.drop();
        return;
      default:
        finish(node, random_.below(4));
    }
  }

  // If it is a leaf that is pending.
  static void finish(Node& node, std::size_t how) {
    if (node.running != nullptr) node.running->complete();
    if (node.promise && !node.promise->finished()) end(*node.promise, how);
  }

  static void end(Promise<>& promise, std::size_t how) {
    if (how < 2) promise.complete();
    if (how == 2) promise.fail(std::runtime_error("broken"));
    if (how == 3) promise.cancel();
  }
  static void onAsked(void* udata) {
    auto& node = *static_cast<Node*>(udata);
    end(*node.promise, node.answer);
  }

  Node& any() {
    for (;;) {
      Node& node = nodes_[random_.below(nodes_.size())];
      if (node.isKnown()) return node;
    }
  }
  // Mostly one of the last, so that chains become long.
  Node& anyToAwait() {
    for (;;) {
      const std::size_t back = random_.below(random_.oneIn(4) ? nodes_.size() : lasting);
      Node& node = nodes_[nodes_.size() - 1 - back];
      if (node.plain.isValid()) return node;
    }
  }

  void make() {
    auto kind = static_cast<Kind>(random_.below(kinds));
    if (nodes_.size() < lasting) kind = Kind::promise;
    std::vector<const Node*> of;
    if (kind > Kind::operation) of = {&anyToAwait(), &anyToAwait()};
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.of = std::move(of);
    begin(node);
    if (node.plain.isValid()) node.future = node.plain;
    node.future.attach(context_);
    for (std::size_t i = 0; i < 2; ++i) {
      node.callbacks[i].setAction([this, &node, i] {
        ++runs_;
        node.isInOrder = node.isInOrder && node.callbacks[1 - i].runs() == i;
      });
      node.future.addCallback(Probe::run, &node.callbacks[i]);
    }
  }

  void begin(Node& node) {
    if (node.kind == Kind::promise) return beginPromise(node);
    if (node.kind == Kind::sleep) {
      node.plain = sleepAsync(context_, someTime());
    } else if (node.kind == Kind::operation) {
      node.plain = operate(node.running, open_);
    } else if (node.kind < Kind::wait) {
      node.plain = coroutine(node.kind, node.of[0]->plain, node.of[1]->plain);
    } else {
      derive(node, node.of[0]->plain, node.of[1]->plain);
    }
  }

  void beginPromise(Node& node) {
    node.promise.emplace(context_);
    node.answer = random_.below(6);  // beyond the ends that there are: none
    if (random_.oneIn(2)) node.promise->setCancelCallback(onAsked, &node);
    node.plain = node.promise->future();
  }

  Future<> coroutine(Kind kind, const Future<>& first, const Future<>& second) {
    if (kind == Kind::pass) return pass(first, open_);
    if (kind == Kind::guest) return passAsGuest({first, open_});
    if (kind == Kind::swallow) return swallow(first, open_);
    if (kind == Kind::quiet) return quiet(first, open_);
    if (kind == Kind::cleanUp) return cleanUp(context_, first, open_);
    return two(first, second, open_);
  }

  void derive(Node& node, const Future<>& first, const Future<>& second) {
    const std::vector<FutureBase> either{first, second};
    if (node.kind == Kind::wait) node.plain = wait(first, someTime());
    if (node.kind == Kind::noCancel) node.plain = noCancel(first);
    if (node.kind == Kind::join) node.plain = join(first);
    if (node.kind == Kind::allFutures) node.plain = allFutures(first, second);
    if (node.kind == Kind::both) node.plain = first and second;
    if (node.kind == Kind::either) node.plain = first or second;
    if (node.kind == Kind::cancelAndWait) node.plain = cancelAndWait(first);
    if (node.kind == Kind::race) node.future = race(context_, either);
    if (node.kind == Kind::withTimeout) node.future = node.inTime = withTimeout(first, someTime());
  }

  milliseconds someTime() { return milliseconds(random_.below(6)); }

  FutureContext& context_;
  Random& random_;
  const Manner manner_;
  std::deque<Node> nodes_;
  std::deque<Probe> soon_;
  std::size_t runs_ = 0;
  int open_ = 0;
  bool isOver_ = false;
};

class FutureHistoryTest : public FutureTest {
 protected:
  void playAll(Manner manner) {
    Random random;
    for (int i = historyCount(400); i > 0 && !HasFailure(); --i) play(random, manner);
  }

 private:
  void play(Random& random, Manner manner) {
    std::optional<FutureContext> context(reactor_);
    context->setUnhandledErrorCallback([](void*) {}, nullptr);
    History history(*context, random, manner);
    for (int i = historySteps(40); i > 0; --i) {
      history.step();
      if (random.oneIn(2)) poll(milliseconds(random.below(3)));
    }
    if (manner == Manner::endsContext) {
      history.isOver();
      context.reset();
    } else {
      finish(*context, history);
    }
    history.expectTheEnd();
    history.dropAll();
    if (context) {
      settle();
      EXPECT_EQ(context->liveBlocks(), 0U);
    }
    time_.forget();
  }

  void finish(FutureContext& context, History& history) {
    while (context.hasPendingOperations()) {
      history.finishLeaves();
      ASSERT_GT(poll(seconds(1)), 0U) << "nothing would finish what is left";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, FutureHistoryTest, backends(), backendName);

TEST_P(FutureHistoryTest, EachIsWhatItIsMadeOf) { playAll(Manner::keepsAll); }

TEST_P(FutureHistoryTest, GoesOnWhateverIsDropped) { playAll(Manner::drops); }

TEST_P(FutureHistoryTest, EndsWithItsContext) { playAll(Manner::endsContext); }

}  // namespace
}  // namespace kairos
