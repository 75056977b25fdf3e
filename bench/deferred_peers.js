// SPDX-License-Identifier: MIT
// What deferred.c measures, with the promises of node.
//
//     node deferred_peers.js WHAT COUNT
//
// Prints the nanoseconds of processor time of one, its collector's included, or,
// of what is `pending`, the bytes of memory.
// Exit status 3: node has no such thing.
'use strict';

const MANY = 100000;
const TASKS = 1000;
const keep = (value) => value;

function pend() {
  const one = {};
  one.promise = new Promise((resolve) => { one.resolve = resolve; });
  return one;
}

function* blocks(count, size) {
  for (; count > 0; count -= size)
    yield Math.min(count, size);
}

const benches = {
  async deferred(count) {
    for (const part of blocks(count, TASKS)) {
      let last;
      for (let i = 0; i < part; i++) {
        const one = pend();
        last = one.promise.then(keep);
        one.resolve();
      }
      await last;
    }
  },

  async member(count) {
    for (const part of blocks(count, MANY))
      for (const one of Array.from({length: part}, pend))
        one.resolve();
  },

  async link(count) {
    for (const part of blocks(count, MANY)) {
      const many = Array.from({length: part}, pend);
      const last = many.map((one) => one.promise.then(keep)).pop();
      for (const one of many)
        one.resolve();
      await last;
    }
  },

  async element(count) {
    for (const part of blocks(count, MANY)) {
      const members = Array.from({length: part}, pend);
      const all = Promise.all(members.map((member) => member.promise));
      for (const member of members)
        member.resolve();
      await all;
    }
  },

  async chain(count) {
    for (const part of blocks(count, MANY)) {
      const first = pend();
      let last = first.promise;
      for (let i = 1; i < part; i++) {
        const on = last;
        last = Promise.resolve().then(() => on);
      }
      first.resolve();
      await last;
    }
  },

  async step(count) {
    async function steps(left) {
      while (left-- > 0)
        await null;
    }
    await Promise.all(
        Array.from({length: TASKS}, () => steps(count / TASKS)));
  },

  async pending(count) {
    const held = new Array(count).fill(null);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < count; i++) {
      held[i] = pend();
      held[i].promise.then(keep);
    }
    return (process.memoryUsage().rss - before) / count;
  },
};

async function main(what, count) {
  if (!(what in benches))
    process.exit(3);
  const start = process.cpuUsage();
  const bytes = await benches[what](count);
  const used = process.cpuUsage(start);
  const time = (used.user + used.system) * 1000 / count;
  console.log((bytes !== undefined ? bytes : time).toFixed(1));
}

main(process.argv[2], Number(process.argv[3]));
