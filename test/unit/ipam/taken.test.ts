import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp } from '../../../src/core/address/index.ts'
import { TakenIndex } from '../../../src/core/ipam/index.ts'
import { eip, pools, record } from './world.ts'

void test('a search ends, though each address it offers is claimed and given back while it goes on', () => {
  const taken = new TakenIndex()
  const pool = eip('small', { address: '10.0.0.0/30' })
  for (let last = 0; last < 4; last++) {
    taken.put(record(`10.0.0.${last}`, 'small'))
    taken.remove(`10.0.0.${last}`)
  }
  const offered: string[] = []
  for (const address of taken.freeIn(pool, 4, pools([pool]), 0)) {
    const name = formatIp(address)
    offered.push(name)
    assert.ok(offered.length <= 4, `offered ${offered.join(', ')}`)
    taken.put(record(name, 'small'))
    taken.remove(name)
  }
  assert.deepEqual(offered, ['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3'])
})
