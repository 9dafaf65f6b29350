// SPDX-License-Identifier: MIT OR Apache-2.0
// clang-format off
#include <utility>  // first: Boost 1.74 uses std::exchange without including it
#include <boost/asio.hpp>
// clang-format on

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/workloads/all.h"

namespace kairos::bench {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Executor = asio::io_context::executor_type;

// Memory for the operations that Asio makes of waits and posts, so that they come from a list of
// free blocks: Asio itself recycles only what one handler in a row frees.
class OperationPool {
 public:
  OperationPool() = default;
  OperationPool(const OperationPool&) = delete;
  OperationPool& operator=(const OperationPool&) = delete;

  void reserve(std::size_t blocks) {
    while (made_.size() < blocks) {
      made_.emplace_back();
      made_.back().next = free_;
      free_ = &made_.back();
    }
  }

  void* take(std::size_t bytes) {
    check(bytes <= sizeof(Block), "an operation fits a block");
    if (free_ == nullptr) [[unlikely]] {
      reserve(made_.size() + 1);
    }
    Block* block = free_;
    free_ = block->next;
    return block;
  }

  void give(void* memory) {
    Block* block = ::new (memory) Block;
    block->next = free_;
    free_ = block;
  }

 private:
  union Block {
    Block* next;
    alignas(std::max_align_t) std::byte bytes[128];
  };

  Block* free_ = nullptr;
  std::deque<Block> made_;
};

template <class T>
struct PoolAllocator {
  using value_type = T;

  explicit PoolAllocator(OperationPool* from) : pool(from) {}
  template <class U>
  explicit(false) PoolAllocator(const PoolAllocator<U>& other) : pool(other.pool) {}

  T* allocate(std::size_t count) { return static_cast<T*>(pool->take(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t) { pool->give(memory); }
  template <class U>
  bool operator==(const PoolAllocator<U>& other) const {
    return pool == other.pool;
  }

  OperationPool* pool;
};

// Boost.Asio without locks and without polymorphic executors. Its waits are one-shot, so a reader
// that stays is a wait begun again after each callback; one direction cannot be cancelled alone,
// so disarming a writer cancels both and waits again for the reader.
class Asio {
 public:
  Asio() : slots_(raiseDescriptorLimit()) {}
  ~Asio() {
    for (const auto& slot : slots_) {
      if (slot && slot->descriptor) {
        slot->descriptor->release();
      }
    }
  }
  Asio(const Asio&) = delete;
  Asio& operator=(const Asio&) = delete;

  template <Callback callback>
  void addReader(int fd, void* udata) {
    Slot& slot = opened(fd);
    slot.reader = {callback, udata};
    awaitReadable<callback>(&pool_, &slot);
  }

  void removeReader(int fd) {
    Slot& slot = slotOf(fd);
    slot.reader = {};
    slot.descriptor->release();
    slot.descriptor.reset();
  }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    Slot& slot = opened(fd);
    slot.writer = {callback, udata};
    awaitWritable<callback>(&pool_, &slot);
  }

  void removeWriter(int fd) {
    Slot& slot = slotOf(fd);
    slot.writer = {};
    if (!slot.inWriter) {
      slot.descriptor->cancel();
      // The wait for the reader sees the cancellation and begins again.
    }
  }

  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  using Deadline = std::chrono::steady_clock::time_point;
  static constexpr std::size_t handleBytes = 0;

  Deadline deadline(std::chrono::nanoseconds after) const {
    return std::chrono::steady_clock::now() + after;
  }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    timers_.reserve(slots);
    while (timers_.size() < slots) {
      timers_.emplace_back(context_.get_executor());
    }
    pool_.reserve(slots);
  }

  template <Callback callback>
  void addTimer(std::size_t slot, Deadline deadline, void* udata) {
    timers_[slot].expires_at(deadline);
    timers_[slot].async_wait(OnTimer<callback>(&pool_, udata));
  }

  void removeTimer(std::size_t slot) { check(timers_[slot].cancel() == 1, "a wait to cancel"); }

  template <Callback callback>
  void refreshTimer(std::size_t slot, Deadline deadline, void* udata) {
    addTimer<callback>(slot, deadline, udata);
  }

  template <Callback callback>
  void defer(std::size_t, void* udata) {
    asio::post(context_, OnTimer<callback>(&pool_, udata));
  }

  void poll() { context_.poll(); }
  void turn() { context_.run_one(); }
  void run() {
    context_.run();
    context_.restart();
  }
  void stop() { context_.stop(); }

 private:
  struct Registered {
    Callback callback = nullptr;
    void* udata = nullptr;
  };
  struct Slot {
    std::optional<asio::posix::basic_stream_descriptor<Executor>> descriptor;
    Registered reader;
    Registered writer;
    bool inWriter = false;
  };

  // What Asio calls, with the memory of its operation in the pool.
  struct Pooled {
    using allocator_type = PoolAllocator<void>;
    allocator_type get_allocator() const noexcept { return allocator_type(pool); }

    OperationPool* pool;
  };

  template <Callback callback>
  struct OnTimer : Pooled {
    OnTimer(OperationPool* from, void* data) : Pooled{from}, udata(data) {}
    void operator()() const { callback(udata); }
    void operator()(const error_code& error) const {
      if (!error) {
        callback(udata);
      }
    }

    void* udata;
  };

  template <Callback callback>
  struct OnReadable : Pooled {
    OnReadable(OperationPool* from, Slot* of) : Pooled{from}, slot(of) {}
    void operator()(const error_code& error) const {
      if (!error && slot->reader.callback != nullptr) {
        callback(slot->reader.udata);
      }
      if (slot->reader.callback != nullptr) {
        awaitReadable<callback>(pool, slot);
      }
    }

    Slot* slot;
  };

  template <Callback callback>
  struct OnWritable : Pooled {
    OnWritable(OperationPool* from, Slot* of) : Pooled{from}, slot(of) {}
    void operator()(const error_code& error) const {
      if (error || slot->writer.callback == nullptr) {
        return;
      }
      slot->inWriter = true;
      callback(slot->writer.udata);
      slot->inWriter = false;
      if (slot->writer.callback != nullptr) {
        awaitWritable<callback>(pool, slot);
      }
    }

    Slot* slot;
  };

  Slot& slotOf(int fd) { return *slots_[static_cast<std::size_t>(fd)]; }

  Slot& opened(int fd) {
    std::unique_ptr<Slot>& slot = slots_[static_cast<std::size_t>(fd)];
    if (!slot) [[unlikely]] {
      slot = std::make_unique<Slot>();
    }
    if (!slot->descriptor) [[unlikely]] {
      slot->descriptor.emplace(context_.get_executor(), fd);
    }
    return *slot;
  }

  template <Callback callback>
  static void awaitReadable(OperationPool* pool, Slot* slot) {
    slot->descriptor->async_wait(asio::posix::descriptor_base::wait_read,
                                 OnReadable<callback>(pool, slot));
  }

  template <Callback callback>
  static void awaitWritable(OperationPool* pool, Slot* slot) {
    slot->descriptor->async_wait(asio::posix::descriptor_base::wait_write,
                                 OnWritable<callback>(pool, slot));
  }

  OperationPool pool_;
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  asio::executor_work_guard<Executor> work_ = asio::make_work_guard(context_);
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Timer> timers_;
};

}  // namespace

void enrollAsio() { enrollAll<Asio>("asio"); }

}  // namespace kairos::bench
