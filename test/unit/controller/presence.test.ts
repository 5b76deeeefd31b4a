import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cooledUpToMs } from '../../../controller/cooling.ts'
import { type Presence, aliveMs, openPresenceBook, readSpeakerLease } from '../../../controller/presence.ts'
import { currentUpToAnnotation } from '../../../src/core/model/index.ts'
import { manualClock } from '../io/process/manual-clock.ts'

const speakerEpoch = Date.UTC(2020, 0, 1)

/** A Lease written by a speaker whose clock is years behind ours. */
function leaseAt(renewedMs: number, currentUpToMs?: number, holder = 'n1', resourceVersion = String(renewedMs)) {
  const at = (ms: number): string => new Date(speakerEpoch + ms).toISOString()
  return readSpeakerLease({
    metadata: {
      name: 'speaker-n1',
      resourceVersion,
      annotations: currentUpToMs === undefined ? {} : { [currentUpToAnnotation]: at(currentUpToMs) },
    },
    spec: { renewTime: at(renewedMs), holderIdentity: holder },
  })
}

void test('a Lease of another name is not a speaker', () => {
  assert.equal(readSpeakerLease({ metadata: { name: 'bellhop-controller' } }), undefined)
})

void test('a speaker is alive while its Lease changes, on our clock alone, and is silent 40 s after the last change', async () => {
  const clock = manualClock()
  const turns: (boolean | undefined)[] = []
  const book = openPresenceBook(
    clock,
    (_node, before, after) => {
      if (before?.alive !== after?.alive) turns.push(after?.alive)
    },
    () => clock.wallMs(),
  )
  book.see(leaseAt(0), 'n1')
  await clock.advance(aliveMs - 1)
  book.see(leaseAt(10_000), 'n1')
  await clock.advance(aliveMs - 1)
  assert.deepEqual(turns, [true])
  await clock.advance(1)
  assert.deepEqual(turns, [true, false])
  book.see(leaseAt(99_000), 'n1')
  assert.deepEqual(turns, [true, false, true])
  book.see(undefined, 'n1')
  assert.deepEqual(turns, [true, false, true, undefined])
  book.stop()
})

void test("silence while nothing at all is heard is nobody's: 40 s begin when something is heard again", async () => {
  const clock = manualClock()
  let heardMs = 0
  const book = openPresenceBook(
    clock,
    () => {},
    () => heardMs,
  )
  const hear = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      heardMs = clock.wallMs()
      await clock.advance(1000)
    }
  }
  book.see(leaseAt(0), 'n1')
  await hear(20)
  await clock.advance(3_600_000)
  assert.equal(book.of('n1')?.alive, true)
  await hear(39)
  assert.equal(book.of('n1')?.alive, true)
  await hear(7)
  assert.equal(book.of('n1')?.alive, false)
  book.stop()
  assert.equal(clock.waiting, 0)
})

void test('a Lease given up in good order is silent at once', () => {
  const book = openPresenceBook(
    manualClock(),
    () => {},
    () => 0,
  )
  book.see(leaseAt(0, 0, ''), 'n1')
  assert.equal(book.of('n1')?.alive, false)
  book.stop()
})

void test('"current up to" is carried over to our clock by its age at the renewal', async () => {
  const clock = manualClock()
  const book = openPresenceBook(
    clock,
    () => {},
    () => clock.wallMs(),
  )
  await clock.advance(60_000)
  book.see(leaseAt(5_000, 3_000), 'n1')
  assert.equal(book.of('n1')?.currentUpToMs, clock.wallMs() - 2_000)
  book.stop()
})

void test('"current up to" never goes back', async () => {
  const clock = manualClock()
  const book = openPresenceBook(
    clock,
    () => {},
    () => clock.wallMs(),
  )
  book.see(leaseAt(5_000, 5_000), 'n1')
  const first = book.of('n1')?.currentUpToMs
  await clock.advance(1_000)
  book.see(leaseAt(6_000, 4_000), 'n1')
  assert.equal(book.of('n1')?.currentUpToMs, first)
  book.stop()
})

function presence(changes: Partial<Presence>): Presence {
  return { alive: true, currentUpToMs: 1_000, renewedMs: changes.currentUpToMs ?? 1_000, ...changes }
}

void test('an address has cooled when every speaker that is alive has seen its release', () => {
  const speakers: [string, Presence][] = [
    ['a', presence({ currentUpToMs: 5_000 })],
    ['b', presence({ currentUpToMs: 3_000 })],
  ]
  assert.equal(
    cooledUpToMs(speakers, () => true, 10_000),
    3_000,
  )
})

void test('a view a little older than the release counts, when the speaker has renewed since', () => {
  const seenUpToMs = (changes: Partial<Presence>): number =>
    cooledUpToMs([['a', presence(changes)]], () => true, 99_000)
  assert.equal(seenUpToMs({ currentUpToMs: 10_000, renewedMs: 10_000 }), 10_000)
  assert.equal(seenUpToMs({ currentUpToMs: 10_000, renewedMs: 10_200 }), 10_200)
  assert.equal(seenUpToMs({ currentUpToMs: 10_000, renewedMs: 19_000 }), 10_500)
})

void test('without speakers nothing is announced', () => {
  assert.equal(
    cooledUpToMs([], () => true, 10_000),
    Number.POSITIVE_INFINITY,
  )
})

void test('a speaker that is silent may still announce: until its Node is gone, or for 10 minutes', () => {
  const silent: [string, Presence][] = [['a', presence({ alive: false, currentUpToMs: 2_000, renewedMs: 2_000 })]]
  const tenMinutes = 600_000
  assert.equal(
    cooledUpToMs(silent, () => true, 2_000 + tenMinutes - 1),
    2_000,
  )
  assert.equal(
    cooledUpToMs(silent, () => true, 9_000 + tenMinutes),
    9_000,
  )
  assert.equal(
    cooledUpToMs(silent, () => false, 3_000),
    Number.POSITIVE_INFINITY,
  )
})
