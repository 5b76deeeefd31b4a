import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readSteps } from '../../guides/blocks.ts'

const page = (...lines: readonly string[]): string => lines.join('\n')

test('a session is commands, each with the output shown below it', () => {
  const steps = readSteps(
    page(
      'text',
      '```console',
      '$ kubectl get eip',
      'NAME',
      'pool',
      '',
      '$ kubectl apply \\',
      '  -f a.yaml',
      'leaf1# show ip',
      'x',
      'client$ curl y',
      '```',
    ),
  )
  assert.deepEqual(steps, [
    { kind: 'command', line: 3, place: 'here', command: 'kubectl get eip', shown: ['NAME', 'pool'] },
    { kind: 'command', line: 7, place: 'here', command: 'kubectl apply \\\n  -f a.yaml', shown: undefined },
    { kind: 'ask', line: 9, router: 'leaf1', command: 'show ip', shown: ['x'] },
    { kind: 'command', line: 11, place: 'client', command: 'curl y', shown: undefined },
  ])
})

test('a script is one step, at the place that the fence names', () => {
  const steps = readSteps(page('```sh worker2', 'ip route', 'ip rule', '```'))
  assert.deepEqual(steps, [
    { kind: 'command', line: 1, place: 'worker2', command: 'ip route\nip rule', shown: undefined },
  ])
})

test('a file is named by the comment that it begins with; its indent in a list is not its own', () => {
  const steps = readSteps(page('- so', '  ```yaml', '  # pool.yaml', '  a: 1', '  ```'))
  assert.deepEqual(steps, [{ kind: 'file', line: 2, name: 'pool.yaml', text: '# pool.yaml\na: 1\n' }])
})

test('lines for a router lose their indent', () => {
  const steps = readSteps(page('```frr leaf1', 'router bgp 1', ' neighbor x', '```'))
  assert.deepEqual(steps, [{ kind: 'configure', line: 1, router: 'leaf1', lines: ['router bgp 1', 'neighbor x'] }])
})

test('a block that is not run says why, and counts', () => {
  const steps = readSteps(page('```sh no-test="needs your own registry"', 'docker push', '```'))
  assert.deepEqual(steps, [{ kind: 'untested', line: 1, reason: 'needs your own registry' }])
})

for (const [what, text, complaint] of [
  ['without end', page('```sh', 'x'), /line 1: the block is never closed/],
  ['of no language', page('```', '$ kubectl get eip', '```'), /a block is sh, console/],
  ['of a file without name', page('```yaml', 'a: 1', '```'), /begin the file with a comment/],
  ['with an empty reason', page('```sh no-test=""', 'x', '```'), /no-test needs a reason/],
  ['at a place that is not there', page('```sh leaf9', 'x', '```'), /has no place "leaf9"/],
  ['that begins with output', page('```console', 'NAME', '```'), /line 2: a session begins with a prompt/],
  ['with a router prompt on a node', page('```console', 'worker2# ip route', '```'), /worker2 is no router/],
  ['of a drawing with commands', page('```text', '$ rm', '```'), /a session is console/],
] as const) {
  test(`a block ${what} is refused`, () => assert.throws(() => readSteps(text), complaint))
}
