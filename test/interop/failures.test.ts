// What breaks a session, and that everything is there again afterwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { waitFor } from '../lab/wait.ts'
import { self } from './engine.ts'
import { type Pair, describeWithEach, waitMs } from './pair.ts'

const patient = { timeoutMs: waitMs }
const holdTime = 3
const ours = { holdTimeMs: 3000, keepaliveMs: 1000 }

describeWithEach('failures', (pair, daemon) => {
  test('packets lost: both hold timers expire, NOTIFICATIONs by their names, all is back with the packets', async () => {
    await established(pair())
    const { engine, network, at } = pair()
    await network.run(
      network.engine,
      'nft',
      'add table inet cut; add chain inet cut in { type filter hook input priority 0; policy drop; }',
    )
    await pair().tells(/^Hold Timer Expired sent/)
    // What we send still arrives: it is the router that hears nothing of its own being answered.
    await waitFor('the routes gone', async () => (await pair().router.count(pair().over)) === 0, patient)
    await pair().routerTells(holdExpired[daemon.name] ?? /never/)
    await network.run(network.engine, 'nft', 'delete table inet cut')
    await engine.reaches('ESTABLISHED', waitMs)
    await pair().hops([at.engine])
    assert.equal((await engine.session()).flaps, 1)
  })

  test('the router is killed and comes back', async () => {
    await established(pair())
    const { engine, router, at } = pair()
    await router.stop('SIGKILL')
    await waitFor('one flap', async () => (await engine.session()).flaps === 1, patient)
    await pair().startRouter({ holdTime, passive: true })
    await pair().hops([at.engine])
    await pair().count(101)
  })

  test('the router ends as it should: the reason in the words of the RFC', async () => {
    await established(pair())
    await pair().router.stop('SIGTERM')
    await pair().tells(/^Cease\/(Administrative Shutdown|Peer De-configured)( ".*")? received/)
  })

  test('the link is cut and restored', async () => {
    await established(pair())
    const { engine, network, at } = pair()
    await network.setLink('down')
    await waitFor('one flap', async () => (await engine.session()).flaps === 1, patient)
    await pair().count(0)
    await network.setLink('up')
    await engine.reaches('ESTABLISHED', waitMs)
    await pair().hops([at.engine])
    await pair().count(101)
  })
})

async function established(pair: Pair): Promise<void> {
  await pair.begin({ holdTime, passive: true })
  await pair.engine.configure([pair.peer(ours)])
  await pair.engine.setPaths(pair.at.prefix, [self])
  await pair.engine.setPaths(pair.at.many, [self], 100)
  await pair.hops([pair.at.engine])
  await pair.count(101)
}

/** How each router says that we have sent, or it has, Hold Timer Expired. */
const holdExpired: Readonly<Record<string, RegExp>> = {
  FRR: /Hold Timer Expired/,
  BIRD: /[Hh]old timer expired/,
  GoBGP: /notification.*Code=4/,
}
