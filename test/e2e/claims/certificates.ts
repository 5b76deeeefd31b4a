// The webhook's certificates, renewed and replaced while clients are at work. Addresses 172.23.2.128/25.
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { listAt, stringAt } from '../../../src/core/model/field.ts'
import { issueLeaf, readBundle, servingNames } from '../../../src/io/certificates/index.ts'
import { eips } from '../../../src/io/kube/index.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, deleteService, onStage } from '../address-steps.ts'
import { type Claim, expect, poolKey } from '../claim.ts'
import { countReviews, webhookPods } from '../webhook-steps.ts'

const node = join(import.meta.dirname, '../../../node_modules/.bin/node')
const configurationsPath = '/apis/admissionregistration.k8s.io/v1'
const dayMs = 24 * 60 * 60 * 1000

export const certificates: readonly Claim[] = [
  {
    name: 'OPS-05 serving certificate two thirds old, then the CA replaced, clients at work: renewed, every create answered',
    run: (lab) =>
      onStage(lab, { eips: { 'web-certs': { address: '172.23.2.128/25' } } }, async () => {
        const clients = startClients(lab, 4)
        try {
          const renewedMs = await showRenewal(lab)
          const rotatedMs = await showRotation(lab)
          // A while longer, over the connections that were made last.
          await pause(1_000)
          const { answered, converted } = await clients.stop()
          const perReplica = (await countReviews(lab)).join(' and ')
          return (
            `${answered} creates, all with their address in the answer; ${converted} reads as v1alpha1; ` +
            `renewed at both replicas after ${renewedMs.toFixed(0)} ms, CA replaced ${rotatedMs.toFixed(0)} ms after the command; ` +
            `reviews so far: ${perReplica}`
          )
        } finally {
          await clients.stop().catch(() => undefined)
        }
      }),
  },
]

interface Clients {
  /** Resolves with the figures when all was well; rejects with the first thing that was not. */
  stop(): Promise<{ readonly answered: number; readonly converted: number }>
}

/** Each creates and deletes one Service at a time, all the time; another reads the Eips as v1alpha1. */
function startClients(lab: Lab, count: number): Clients {
  const stopping = new AbortController()
  const isStopped = (): boolean => stopping.signal.aborted
  let answered = 0
  let converted = 0
  const failures: string[] = []
  const note = (what: string) => (error: unknown) => void failures.push(`${what}: ${String(error)}`)
  const annotations = { [poolKey]: 'web-certs' }
  const createAndDelete = async (client: number): Promise<void> => {
    for (let round = 0; !isStopped(); round++) {
      const name = `busy-${client}-${round}`
      const made = await createService(lab, { name, annotations }).catch(note(`create ${name}`))
      if (made === undefined) continue
      if (addressIn(made) === '') failures.push(`${name} had no address in the answer`)
      else answered++
      await deleteService(lab, name).catch(note(`delete ${name}`))
      // Addresses rest until every speaker has seen that they are free: the pool must last.
      await pause(600)
    }
  }
  const readOld = async (): Promise<void> => {
    while (!isStopped()) {
      const list = await lab.api.list({ ...eips, version: 'v1alpha1' })
      if (list.ok) converted++
      // A change of a CRD, also of its caBundle: "storage is (re)initializing", Retry-After 1 s, which clients heed.
      else if (list.error.code === 'TooManyRequests') await pause(list.error.retryAfterMs ?? 1_000)
      else failures.push(`v1alpha1: ${list.error.message}`)
      await pause(200)
    }
  }
  const work = Promise.all([...Array.from({ length: count }, (_, client) => createAndDelete(client)), readOld()])
  return {
    async stop() {
      stopping.abort()
      await work
      expect(
        failures.length === 0,
        `${failures.length} failed, ${answered} did not: ${failures.slice(0, 3).join('; ')}`,
      )
      return { answered, converted }
    },
  }
}

const secretPath = '/api/v1/namespaces/bellhop-system/secrets/bellhop-webhook-tls'

async function readPem(lab: Lab, key: 'ca.crt' | 'ca.key' | 'tls.crt'): Promise<string> {
  return atob(stringAt(await lab.request('GET', secretPath), 'data', key) ?? '')
}

/** Fingerprints (SHA-256) of what each replica serves to a new connection. */
async function servedBy(lab: Lab): Promise<readonly string[]> {
  const script = `
    const { connect } = require('node:tls')
    for (const host of process.argv.slice(1)) {
      const socket = connect({ host, port: 9443, rejectUnauthorized: false }, () => {
        console.log(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase())
        socket.destroy()
      })
    }`
  const text = await lab.read('master', [node, '-e', script, ...webhookPods(lab)], { timeoutMs: 10_000 })
  return text.trim().split('\n')
}

async function waitForServed(lab: Lab, fingerprint: string): Promise<void> {
  let seen: readonly string[] = []
  await waitFor(
    'both replicas serve the certificate of the Secret',
    async () => {
      seen = await servedBy(lab)
      return seen.length === 2 && seen.every((each) => each === fingerprint)
    },
    { timeoutMs: 20_000, everyMs: 200, missing: () => `they serve ${seen.join(', ')}; wanted ${fingerprint}` },
  )
}

/** Puts a leaf of 61 days into the Secret; milliseconds until both replicas serve a new one of the same CA. */
async function showRenewal(lab: Lab): Promise<number> {
  const authoritiesPem = await readPem(lab, 'ca.crt')
  const authority = { certificatePem: authoritiesPem, keyPem: await readPem(lab, 'ca.key') }
  const names = servingNames('bellhop-webhook', 'bellhop-system')
  const old = await issueLeaf(authority, names, Date.now() - 61 * dayMs, 90 * dayMs)
  const startMs = performance.now()
  await lab.request('PATCH', secretPath, {
    data: { 'tls.crt': btoa(old.certificatePem), 'tls.key': btoa(old.keyPem) },
  })
  const [leaf] = await waitFor('the old certificate is renewed', async () => {
    const pem = await readPem(lab, 'tls.crt')
    return pem === old.certificatePem ? undefined : readBundle(pem)
  })
  expect(leaf !== undefined && leaf.expiresMs > Date.now() + 89 * dayMs, 'the renewed certificate is not for 90 days')
  expect((await readPem(lab, 'ca.crt')) === authoritiesPem, 'the CA changed with it')
  await waitForServed(lab, leaf.fingerprint)
  return performance.now() - startMs
}

/** `certs rotate`; milliseconds from its end until both replicas serve a leaf of the new CA. */
async function showRotation(lab: Lab): Promise<number> {
  const [before] = (await readBundle(await readPem(lab, 'ca.crt'))) ?? []
  const said = await runCerts(lab, 'rotate')
  const startMs = performance.now()
  expect(/a new authority and a serving certificate of it/.test(said), `certs rotate said: ${said}`)
  const authorities = await readBundle(await readPem(lab, 'ca.crt'))
  const [leaf] = (await readBundle(await readPem(lab, 'tls.crt'))) ?? []
  expect(leaf !== undefined && authorities !== undefined, 'the Secret cannot be read')
  expect(authorities[0]?.fingerprint !== before?.fingerprint, 'the CA is the same')
  expect(authorities[1]?.fingerprint === before?.fingerprint, 'the CA before is not trusted any more')
  await waitForServed(lab, leaf.fingerprint)
  const tookMs = performance.now() - startMs
  const status = await runCerts(lab, 'status')
  expect(status.includes('All is well.'), `certs status said: ${status}`)
  await expectBundles(lab, authorities.map(({ pem }) => pem).join(''))
  return tookMs
}

function runCerts(lab: Lab, command: string): Promise<string> {
  const program = join(import.meta.dirname, '../../../certs/main.ts')
  return lab.read('master', [node, program, command, '--kubeconfig', lab.files.kubeconfig], { timeoutMs: 100_000 })
}

/** In both configurations, and in every kind that is converted by the webhook. */
async function expectBundles(lab: Lab, pem: string): Promise<void> {
  const wrong: string[] = []
  for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const webhooks = listAt(await lab.request('GET', `${configurationsPath}/${plural}/bellhop`), 'webhooks')
    for (const each of webhooks) {
      if (atob(stringAt(each, 'clientConfig', 'caBundle') ?? '') !== pem) wrong.push(plural)
    }
  }
  for (const plural of ['eips', 'bgpconfs', 'bgppeers']) {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.network.kubesphere.io`
    const definition = await lab.request('GET', path)
    expect(stringAt(definition, 'spec', 'conversion', 'strategy') === 'Webhook', `${plural} is not converted`)
    const bundle = stringAt(definition, 'spec', 'conversion', 'webhook', 'clientConfig', 'caBundle') ?? ''
    if (atob(bundle) !== pem) wrong.push(plural)
  }
  expect(wrong.length === 0, `another caBundle in ${[...new Set(wrong)].join(', ')}`)
}
