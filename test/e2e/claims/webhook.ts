// The webhook among other webhooks and policies. Addresses 172.23.2.0/25.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { eipAllocations } from '../../../src/io/kube/index.ts'
import { stringAt } from '../../../src/core/model/field.ts'
import { createAuthority } from '../../lab/certificates.ts'
import { type Lab, waitFor } from '../../lab/index.ts'
import { addressIn, createService, onStage } from '../address-steps.ts'
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
import { countReviews, sum } from '../webhook-steps.ts'

const node = join(import.meta.dirname, '../../../node_modules/.bin/node')
const configurationsPath = '/apis/admissionregistration.k8s.io/v1'

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
          const asked = { [addressKey]: '172.23.2.20' }
          const named = await createService(lab, { name: 'touched-named', annotations: asked, labels })
          const made = await createService(lab, { name: 'touched', annotations, labels })
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
]

async function recordsOf(lab: Lab, eip: string): Promise<readonly string[]> {
  const records = await lab.api.list(eipAllocations)
  if (!records.ok) throw new Error(records.error.message)
  return records.value.items
    .filter((record) => stringAt(record, 'spec', 'eip') === eip)
    .map(({ metadata }) => metadata.name ?? '')
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
