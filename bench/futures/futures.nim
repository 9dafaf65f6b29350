# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The workloads on the futures of asyncdispatch, whose complete() resumes who waits inside the call.
# Usage: futures OPERATIONS. Prints "workload nanoseconds" of each.
import std/[asyncdispatch, asyncstreams, monotimes, os, strutils, times]

const batch = 1000

proc callback(times: int) =
  var calls = 0
  for i in 0 ..< times:
    let future = newFuture[int]("callback")
    future.addCallback(proc () = inc calls)
    future.complete(1)
  doAssert calls == times

proc awaitMany(future: Future[int], times: int): Future[int] {.async.} =
  var sum = 0
  for i in 0 ..< times: sum += await future
  return sum

proc awaitReady(times: int) =
  let future = newFuture[int]("awaitReady")
  future.complete(1)
  doAssert awaitMany(future, times).read == times

proc one(): Future[int] {.async.} =
  return 1

proc callMany(times: int): Future[int] {.async.} =
  var sum = 0
  for i in 0 ..< times: sum += await one()
  return sum

proc call(times: int) =
  doAssert callMany(times).read == times

var futures: array[batch, Future[void]]
var sum = 0

proc pendingMany(place, times: int) {.async.} =
  for i in 0 ..< times:
    futures[place] = newFuture[void]("pending")
    await futures[place]
    inc sum

proc completeAll(times: int) =
  for i in 0 ..< times div batch:
    for place in 0 ..< batch: futures[place].complete()
    # What withTimeout() leaves for the loop.
    if hasPendingOperations(): poll(0)

proc pending(times: int) =
  sum = 0
  for place in 0 ..< batch: asyncCheck pendingMany(place, times div batch)
  completeAll(times)
  doAssert sum == times div batch * batch

proc sleepMany(times: int) {.async.} =
  for i in 0 ..< times:
    await sleepAsync(0.000001)
    inc sum

proc sleepAll(times: int) =
  sum = 0
  for place in 0 ..< batch: asyncCheck sleepMany(times div batch)
  while sum < times div batch * batch: poll()

proc returnAtOnce() {.async.} =
  inc sum

proc spawn(times: int) =
  sum = 0
  for i in 0 ..< times: asyncCheck returnAtOnce()
  doAssert sum == times

proc limitMany(place, times: int) {.async.} =
  for i in 0 ..< times:
    futures[place] = newFuture[void]("limit")
    if await withTimeout(futures[place], 30_000): inc sum

proc timeout(times: int) =
  sum = 0
  for place in 0 ..< batch: asyncCheck limitMany(place, times div batch)
  completeAll(times)
  doAssert sum == times div batch * batch

type Stream = FutureStream[int]

proc serve(there, back: Stream, times: int) {.async.} =
  for i in 0 ..< times:
    await there.write(1)
    sum += (await back.read())[1]

proc giveBack(there, back: Stream, times: int) {.async.} =
  for i in 0 ..< times:
    sum += (await there.read())[1]
    await back.write(1)

proc queue(times: int) =
  sum = 0
  let trips = times div batch div 2
  for i in 0 ..< batch:
    let there = newFutureStream[int]("there")
    let back = newFutureStream[int]("back")
    asyncCheck giveBack(there, back, trips)
    asyncCheck serve(there, back, trips)
  while sum < trips * batch * 2: poll()

proc measure(name: string, operations: int, run: proc (times: int)) =
  run(2 * batch)
  let start = getMonoTime()
  run(operations)
  echo name, " ", float(inNanoseconds(getMonoTime() - start)) / float(operations)

let operations = parseInt(paramStr(1))
measure("callback", operations, callback)
measure("await-ready", operations, awaitReady)
measure("call", operations, call)
measure("pending", operations, pending)
measure("sleep", operations, sleepAll)
measure("spawn", operations, spawn)
measure("queue", operations, queue)
measure("timeout", operations, timeout)
