// The webhook among other webhooks and policies, and its certificates while clients are at work. Addresses 172.23.2.0/24.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { issueLeaf, readBundle, servingNames } from '../../../src/io/certificates/index.ts'
import { eipAllocations, eips } from '../../../src/io/kube/index.ts'
import { listAt, stringAt } from '../../../src/core/model/field.ts'
import { createAuthority } from '../../lab/certificates.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, deleteService, onStage } from '../address-steps.ts'
import {
  type Claim,
  addressKey,
  allocationPath,
  expect,
  getOrUndefined,
  kubectl,
  poolKey,
  remove,
  serviceObject,
  waitForIngress,
} from '../claim.ts'

const node = join(import.meta.dirname, '../../../node_modules/.bin/node')
const configurationsPath = '/apis/admissionregistration.k8s.io/v1'
const dayMs = 24 * 60 * 60 * 1000

export const webhook: readonly Claim[] = [
  {
    name: 'ADM-04 another mutating webhook changes the Service after ours: asked again, one claim, the address stays',
    async run(lab) {
      const eip = { address: '172.23.2.16/28' }
      return onStage(lab, { eips: { 'web-again': eip }, services: ['touched', 'touched-named'] }, () =>
        withTouchingWebhook(lab, async (touched) => {
          const before = await countReviews(lab)
          const annotations = { [poolKey]: 'web-again' }
          const labels = { 'claim.example.com/touch': 'yes' }
          const made = await createService(lab, { name: 'touched', annotations, labels })
          const asked = { [addressKey]: '172.23.2.20' }
          const named = await createService(lab, { name: 'touched-named', annotations: asked, labels })
          for (const { metadata } of [made, named]) {
            expect(metadata.annotations?.['example.com/touched'] === 'yes', 'the other webhook was not asked')
          }
          const reviews = sum(await countReviews(lab)) - sum(before)
          expect(reviews === 4, `ours was asked ${reviews} times for two Services, theirs ${touched()} times`)
          const address = addressIn(made)
          expect(address !== '', 'the answer has no address')
          expect(addressIn(named) === '172.23.2.20', `asked 172.23.2.20, got ${addressIn(named)}`)
          expect(made.metadata.labels?.[poolKey] === 'web-again', 'the answer has no pool label')
          const records = await recordsOf(lab, 'web-again')
          expect(records.toSorted().join() === [address, '172.23.2.20'].toSorted().join(), `records: ${records.join()}`)
          return `asked twice each; ${address} and 172.23.2.20, a record each`
        }),
      )
    },
  },
  {
    name: 'ADM-06 IPAM-28 a create that fails after the claim: record gone within 70 s, address usable; retried each second: one pinned',
    run: (lab) =>
      onStage(
        lab,
        {
          eips: {
            'web-denied': { address: '172.23.2.33' },
            'web-exists': { address: '172.23.2.48/28' },
            'web-exists-lb': { address: '172.23.2.64/28' },
          },
          services: ['denied', 'taken-name', 'taken-name-lb'],
        },
        async () => {
          const [denied, exists, existsAsLoadBalancer] = await Promise.all([
            withDenyingPolicy(lab, () => showDenied(lab)),
            showRetries(lab, 'taken-name', 'web-exists', { type: 'ClusterIP' }),
            showRetries(lab, 'taken-name-lb', 'web-exists-lb', {}),
          ])
          return `${denied}; ${exists}; ${existsAsLoadBalancer}`
        },
      ),
  },
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

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

async function recordsOf(lab: Lab, eip: string): Promise<readonly string[]> {
  const records = await lab.api.list(eipAllocations)
  if (!records.ok) throw new Error(records.error.message)
  return records.value.items
    .filter((record) => stringAt(record, 'spec', 'eip') === eip)
    .map(({ metadata }) => metadata.name ?? '')
}

const webhookPods = (lab: Lab): readonly string[] =>
  lab
    .pods()
    .filter((run) => run.programName() === 'webhook')
    .flatMap((run) => run.address() ?? [])

/** Reviews of Services to be changed that each replica has answered. */
function countReviews(lab: Lab): Promise<readonly number[]> {
  return Promise.all(
    webhookPods(lab).map(async (address) => {
      const text = await lab.read('master', `curl -sf --max-time 5 http://${address}:9080/metrics`)
      const counts = text.matchAll(/^bellhop_\w*admission_decisions_total\{.*path="\/mutate-service".*\} (\d+)$/gm)
      return sum([...counts].map(([, count]) => Number(count)))
    }),
  )
}

/** A webhook whose configuration sorts after ours, asked about Services with the label; `show` gets how often it was. */
async function withTouchingWebhook<T>(lab: Lab, show: (touched: () => number) => Promise<T>): Promise<T> {
  const [address, port, name] = ['192.168.0.3', 18_443, 'zz-touching']
  const authority = await createAuthority()
  const credentials = await authority.signServer('touching', [address], [])
  const program = join(import.meta.dirname, '../touching-webhook.ts')
  const argv = ['netns', 'exec', lab.namespace('master'), node, program, address, String(port)]
  const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.write(`${JSON.stringify(credentials)}\n`)
  const path = `${configurationsPath}/mutatingwebhookconfigurations`
  try {
    await waitFor('the other webhook listens', () => said.includes('listening'))
    await lab.request('POST', path, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name: 'touching.example.com',
          clientConfig: { url: `https://${address}:${port}/`, caBundle: btoa(authority.certificate) },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: ['CREATE'] }],
          objectSelector: { matchLabels: { 'claim.example.com/touch': 'yes' } },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    })
    // Asked of a Service that is none of ours, which costs no claim.
    await waitFor('the API server asks the other webhook', async () => {
      const labels = { 'claim.example.com/touch': 'yes' }
      const probe = serviceObject({ name: 'touch-probe', labels, spec: { type: 'ClusterIP' } })
      const { out } = await kubectl(lab, ['create', '--dry-run=server', '-o', 'json', '-f', '-'], probe)
      return out.includes('example.com/touched')
    })
    return await show(() => said.split('review').length - 1)
  } finally {
    await remove(lab, 'mutatingwebhookconfiguration', name)
    child.stdin.end()
  }
}

/** A policy that denies Services with the label `claim.example.com/deny`: decided after every mutating webhook. */
async function withDenyingPolicy<T>(lab: Lab, show: () => Promise<T>): Promise<T> {
  const name = 'claim-denies'
  const selector = { matchLabels: { 'claim.example.com/deny': 'yes' } }
  try {
    await lab.request('POST', `${configurationsPath}/validatingadmissionpolicies`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          objectSelector: selector,
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: ['CREATE'] }],
        },
        validations: [{ expression: 'false', message: 'denied by the claim' }],
      },
    })
    await lab.request('POST', `${configurationsPath}/validatingadmissionpolicybindings`, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    })
    const labels = { 'claim.example.com/deny': 'yes' }
    await waitFor(
      'the policy holds',
      async () => {
        const probe = serviceObject({ name: 'deny-probe', labels, spec: { type: 'ClusterIP' } })
        return !(await kubectl(lab, ['create', '--dry-run=server', '-f', '-'], probe)).ok
      },
      { timeoutMs: 20_000 },
    )
    return await show()
  } finally {
    await remove(lab, 'validatingadmissionpolicybinding', name)
    await remove(lab, 'validatingadmissionpolicy', name)
  }
}

async function showDenied(lab: Lab): Promise<string> {
  const annotations = { [poolKey]: 'web-denied' }
  const shape = { name: 'denied', annotations }
  const startMs = performance.now()
  const refused = await createService(lab, { ...shape, labels: { 'claim.example.com/deny': 'yes' } }).then(
    () => 'created',
    (error: unknown) => String(error),
  )
  expect(refused.includes('denied by the claim'), `the create was not denied: ${refused}`)
  const path = allocationPath('172.23.2.33')
  expect((await getOrUndefined(lab, path)) !== undefined, 'no claim was made, so nothing is shown')
  await waitFor('the record is gone', async () => (await getOrUndefined(lab, path)) === undefined, {
    timeoutMs: 70_000 - (performance.now() - startMs),
    everyMs: 500,
  })
  const tookMs = performance.now() - startMs
  const address = await waitFor('the address is given again', async () => {
    await remove(lab, 'service', 'denied')
    return addressIn(await createService(lab, shape))
  })
  expect(address === '172.23.2.33', `it got ${address}`)
  return `denied: record gone after ${(tookMs / 1000).toFixed(1)} s, its address given again`
}

/**
 * For a minute, a create each second under a name that is taken: never more than one record beside that of the Service
 * that has the name, if it is a LoadBalancer, and that one keeps its address.
 */
async function showRetries(lab: Lab, name: string, eip: string, spec: object): Promise<string> {
  const annotations = { [poolKey]: eip }
  const address = addressIn(await createService(lab, { name, annotations, spec: { ...spec } }))
  const isLoadBalancer = !('type' in spec)
  const own = isLoadBalancer ? [address] : []
  if (isLoadBalancer) await waitForIngress(lab, name, own)
  const seen = new Set<string>()
  const retries = 60
  for (let retry = 0; retry < retries; retry++) {
    const nextMs = performance.now() + 1_000
    const said = await createService(lab, { name, annotations }).then(
      () => 'created',
      (error: unknown) => String(error),
    )
    expect(/already exists/.test(said), `create ${retry + 1} of ${name}: ${said}`)
    const others = (await recordsOf(lab, eip)).filter((record) => !own.includes(record))
    for (const record of others) seen.add(record)
    expect(others.length <= 1, `after ${retry + 1} creates of ${name}: records ${others.join(', ')} besides its own`)
    await pause(Math.max(0, nextMs - performance.now()))
  }
  // A claim that ends after its minute may be followed by one more.
  expect(seen.size <= 2, `${seen.size} addresses were pinned for one name: ${[...seen].join(', ')}`)
  if (isLoadBalancer) await waitForIngress(lab, name, own)
  else expect(seen.size > 0, `no create of ${name} got as far as the webhook`)
  return `${name}: ${retries} creates, at most one address pinned at a time, ${seen.size} in all`
}

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
