// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_SCENE_H_
#define KAIROS_TESTS_TRANSPORTS_SCENE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <system_error>
#include <utility>

#include "kairos/tests/transports/faults.h"
#include "kairos/transports/error.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

// Where scenes are played, and which error their fault may lead to.
struct Stage {
  Reactor& reactor;
  TransportContext& context;
  std::error_condition expected;
};

// A scene is what transports do once, from the first start call to the last completion. It
// allocates nothing but by Kairos, so what it gives to its acts refers to itself alone.
class Scene {
 public:
  // An operation: how often it was begun, and how often it has ended.
  class Part {
   public:
    explicit Part(Scene& scene) : scene_(scene), next_(std::exchange(scene.parts_, this)) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    virtual bool isUnderWay() const = 0;

   protected:
    ~Part() = default;
    void count(std::error_code refusal) {
      if (!scene_.note(refusal)) ++starts_;
    }
    void countEnd() { ++ends_; }
    void tell(std::error_code error) { scene_.note(error); }

   private:
    friend class Scene;
    Scene& scene_;
    Part* const next_;
    std::size_t starts_ = 0;
    std::size_t ends_ = 0;
  };

  template <class Operation>
  class Act : public Operation, public Part {
   public:
    explicit Act(Scene& scene, std::function<void()> then = {})
        : Part(scene), then_(std::move(then)) {}

    // With this error it ends as it should.
    void setEnd(std::error_code end) { end_ = end; }

    // By a function that takes a callback and its udata. False: it was refused.
    template <class Start>
    bool begin(Start start) {
      const std::error_code refusal = start(done, this);
      count(refusal);
      return !refusal;
    }
    bool isUnderWay() const override { return this->isPending(); }

   private:
    static void done(void* udata) {
      auto& self = *static_cast<Act*>(udata);
      // One that accepts on and on is pending in its callback.
      if (!self.isPending()) self.countEnd();
      if (self.error != self.end_) self.tell(self.error);
      if (self.then_) self.then_();
    }

    const std::function<void()> then_;
    std::error_code end_;
  };

  explicit Scene(const Stage& stage) : stage_(stage) {}
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Nothing had to be told.
  bool isWell() const { return errors_ == 0; }

  // Until all has ended. False: something hangs, or spins.
  bool run(Clock::duration patience) {
    constexpr int pollsMax = 100'000;
    auto last = Clock::now();
    for (int polls = 0; isUnderWay() && polls < pollsMax; ++polls) {
      const bool isProgress = stage_.reactor.poll(patience).callbacks > 0;
      const auto now = Clock::now();
      if (!isProgress && now - last >= patience) break;
      if (isProgress) last = now;
    }
    return !isUnderWay();
  }

  // After all was closed, of which nobody has to be told.
  void expectEachToHaveEndedOnce() {
    isOver_ = true;
    while (stage_.reactor.poll(Clock::duration::zero()).callbacks > 0) {
    }
    for (const Part* part = parts_; part != nullptr; part = part->next_) {
      EXPECT_FALSE(part->isUnderWay());
      EXPECT_EQ(part->ends_, part->starts_);
    }
  }

 protected:
  ~Scene() = default;

  Reactor& reactor() const { return stage_.reactor; }
  TransportContext& context() const { return stage_.context; }

  // A fault is played.
  bool mayFail() const { return static_cast<bool>(stage_.expected); }

  // Whether there is an error, which must be the one of the fault, or come of what that has ended.
  bool note(std::error_code error) {
    if (!error) return false;
    if (isOver_) return true;
    ++errors_;
    const MemoryAssured assured;
    const bool isExpected = mayFail() && (error == stage_.expected || mayFollow(error));
    EXPECT_TRUE(isExpected) << error.message() << " instead of " << stage_.expected.message();
    return true;
  }
  virtual bool mayFollow(std::error_code error) const {
    return error == TransportError::closed || error == std::errc::operation_canceled;
  }

 private:
  bool isUnderWay() const {
    for (const Part* part = parts_; part != nullptr; part = part->next_) {
      if (part->isUnderWay()) return true;
    }
    return false;
  }

  const Stage stage_;
  Part* parts_ = nullptr;
  std::size_t errors_ = 0;
  bool isOver_ = false;
};

// How long nothing may happen, before it is taken for a hang; less where a hang is no failure.
inline constexpr Clock::duration scenePatience = std::chrono::seconds(5);
inline constexpr Clock::duration littlePatience = std::chrono::milliseconds(50);

// A scene begins when it is made; close() ends what is left, and expectSuccess() judges one without
// a fault, which is played on the same loop.
template <class SceneType, class AnyFault>
void playScene(AnyFault& fault) {
  const AllocationCount memory;
  {
    Reactor reactor;
    TransportContext context(reactor);
    {
      fault.arm(true);
      SceneType scene({reactor, context, fault.reported()});
      const bool isOver = scene.run(fault.mayHang() ? littlePatience : scenePatience);
      fault.arm(false);
      EXPECT_TRUE(isOver || fault.mayHang()) << "it hangs";
      EXPECT_TRUE(fault.happened() || scene.isWell());
      scene.close();
      scene.expectEachToHaveEndedOnce();
    }
    SceneType again({reactor, context, {}});
    EXPECT_TRUE(again.run(scenePatience));
    again.expectSuccess();
    again.close();
    again.expectEachToHaveEndedOnce();
  }
  EXPECT_EQ(memory.bytes(), 0);
}

// Plays the scene with a fault at its first moment, at its second, and so on, and each time once
// more without: each operation that was begun ends exactly once, who has to know is told, nothing
// is left open or allocated, and the loop goes on. How often it happened.
template <class SceneType, class MakeFault>
std::size_t sweepScene(MakeFault makeFault) {
  return sweepFaults(makeFault, [](auto& fault) { playScene<SceneType>(fault); });
}

// Each of these errors of a system call, so many times.
template <class SceneType>
void sweepCalls(std::initializer_list<CallFault> faults, std::size_t times) {
  for (const CallFault& fault : faults) {
    SCOPED_TRACE(testing::Message() << fault << (times == always ? ", and on" : ", once"));
    const std::size_t moments = sweepScene<SceneType>(
        [&](std::size_t nth) { return std::make_unique<FailedCall>(fault, nth, times); });
    EXPECT_GT(moments, 0u) << "the call is made";
  }
}

// Once, and from then on.
template <class SceneType>
void sweepCalls(std::initializer_list<CallFault> faults) {
  sweepCalls<SceneType>(faults, 1);
  sweepCalls<SceneType>(faults, always);
}

template <class SceneType>
void sweepAllocations(std::size_t momentsAtLeast) {
  for (const std::size_t times : {std::size_t{1}, always}) {
    SCOPED_TRACE(times == always ? "no memory from then on" : "no memory once");
    const std::size_t moments = sweepScene<SceneType>(
        [&](std::size_t nth) { return std::make_unique<NoMemory>(nth, times); });
    EXPECT_GE(moments, momentsAtLeast);
  }
}

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_SCENE_H_
