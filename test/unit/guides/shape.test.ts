import assert from 'node:assert/strict'
import { test } from 'node:test'

import { type Known, compareShown, nothingKnown, withLearned, withSaid } from '../../guides/shape.ts'

function learn(shown: string, output: string, known: Known = nothingKnown): Known {
  const comparison = compareShown(shown.split('\n'), output, known)
  assert.ok(comparison.same, comparison.same ? '' : `missing: ${comparison.missing}`)
  return comparison.known
}

function missing(shown: string, output: string, known: Known = nothingKnown): string {
  const comparison = compareShown(shown.split('\n'), output, known)
  assert.ok(!comparison.same, 'it was taken for the same')
  return comparison.missing
}

test('columns may be wider, ages and node ports are free, everything else counts', () => {
  const shown = 'NAME  TYPE  PORT(S)  AGE\ndemo  LoadBalancer  80:30895/TCP  4s'
  learn(shown, 'NAME   TYPE           PORT(S)        AGE\ndemo   LoadBalancer   80:31001/TCP   2m10s\n')
  assert.equal(
    missing(shown, 'NAME TYPE PORT(S) AGE\nother LoadBalancer 80:31001/TCP 4s\n'),
    'demo  LoadBalancer  80:30895/TCP  4s',
  )
  assert.equal(
    missing(shown, 'NAME TYPE PORT(S) AGE\ndemo LoadBalancer 81:31001/TCP 4s\n'),
    'demo  LoadBalancer  80:30895/TCP  4s',
  )
})

test('an address first seen in an output is learned, and stands for that from there on', () => {
  const known = learn('demo 172.22.0.20', 'demo 172.22.0.77\n')
  assert.equal(withLearned('curl http://172.22.0.20/ 172.22.0.200', known), 'curl http://172.22.0.77/ 172.22.0.200')
  learn('172.22.0.20/32 via leaf1', '172.22.0.77/32 via leaf1\n', known)
  assert.equal(missing('172.22.0.20', '172.22.0.20\n', known), '172.22.0.20')
})

test('one address shown twice is the same both times', () => {
  learn('a 172.22.0.1\nb 172.22.0.1', 'a 172.22.0.9\nb 172.22.0.9\n')
  assert.equal(missing('a 172.22.0.1\nb 172.22.0.1', 'a 172.22.0.9\nb 172.22.0.8\n'), 'b 172.22.0.1')
})

test('an address that the page has said stands for itself, and a network always does', () => {
  const known = withSaid('loadBalancerIP: 172.22.0.20', nothingKnown)
  assert.equal(missing('demo 172.22.0.20', 'demo 172.22.0.77\n', known), 'demo 172.22.0.20')
  assert.equal(missing('pool 172.22.0.0/24', 'pool 172.23.0.0/24\n'), 'pool 172.22.0.0/24')
})

test('IPv6 addresses are learned, also in URLs and behind commas; times of day are none', () => {
  const known = learn('x 172.23.8.82,fd00:8::52cc:76:8a0b:6800', 'x 172.23.8.1,fd00:8::1\n')
  assert.equal(withLearned('curl http://[fd00:8::52cc:76:8a0b:6800]/', known), 'curl http://[fd00:8::1]/')
  assert.equal(missing('at 12:34:56', 'at 12:34:57\n'), 'at 12:34:56')
})

test('names of Pods are learned', () => {
  const known = learn('demo-55ffd677d-s9kh2 Running', 'demo-7c9b6d5f4-x2x4z Running\n')
  assert.equal(withLearned('kubectl delete pod demo-55ffd677d-s9kh2', known), 'kubectl delete pod demo-7c9b6d5f4-x2x4z')
  assert.equal(missing('eip-sample-pool', 'eip-simple-pool\n'), 'eip-sample-pool')
})

test('… stands for anything in a line, a line of it for any number of lines', () => {
  learn('first\n…\nlast … word', 'first\na\nb\nlast any word\n')
  learn('first\n…\nlast', 'first\nlast\n')
  assert.equal(missing('first\n…\nlast', 'first\na\n'), 'last')
})

test('an output that goes on is not the same', () => {
  assert.match(missing('one', 'one\ntwo\n'), /goes on/)
  learn('one\n…', 'one\ntwo\n')
})

test('what would be a pattern is only text', () => {
  learn('a (b) [c] $d 1.5', 'a (b) [c] $d 1.5\n')
  assert.equal(missing('a.c', 'abc\n'), 'a.c')
})

test('the next hops of a route are the same in any order, and all of them count', () => {
  const shown = '172.22.0.1 proto bgp\n  nexthop via 10.0.0.1 dev a\n  nexthop via 10.0.0.2 dev b'
  const known = withSaid('172.22.0.1 10.0.0.1 10.0.0.2', nothingKnown)
  learn(shown, '172.22.0.1 proto bgp\n\tnexthop via 10.0.0.2 dev b \n\tnexthop via 10.0.0.1 dev a \n', known)
  assert.match(missing(shown, '172.22.0.1 proto bgp\n\tnexthop via 10.0.0.2 dev b \n', known), /10\.0\.0\.1/)
})
