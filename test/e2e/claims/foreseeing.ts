// What `kubectl bellhop simulate` says of a manifest against what the webhook says to the very manifest.
// Addresses 172.23.61.0/29.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lab } from '../../lab/index.ts'
import { addressIn, createService, onStage } from '../address-steps.ts'
import { bellhop } from '../cli-steps.ts'
import { type Claim, addressKey, eipObject, expect, kubectl, poolKey, serviceObject } from '../claim.ts'

interface Foreseen {
  readonly kind: string
  readonly reason?: { readonly code: string; readonly message: string }
  readonly reasons?: readonly { readonly message: string }[]
  readonly warnings?: readonly { readonly message: string }[]
  readonly addresses?: readonly { readonly address: string }[]
}

/** The sentences of both must be the same; resolves with the reason's code, or the address. */
async function agree(lab: Lab, kind: 'pool' | 'service', object: object, file: string): Promise<string> {
  await writeFile(file, JSON.stringify(object))
  const { out, err } = await bellhop(lab, ['simulate', kind, '-f', file, '-o', 'json'])
  expect(out.startsWith('{'), `simulate ${kind} said nothing: ${err}`)
  const foreseen = JSON.parse(out) as Foreseen
  const told = await kubectl(lab, ['apply', '--dry-run=server', '-o', 'json', '-f', '-'], object)
  const sentences = [foreseen.reason, ...(foreseen.reasons ?? []), ...(foreseen.warnings ?? [])].flatMap(
    (each) => each?.message ?? [],
  )
  for (const sentence of sentences) {
    expect(told.said.includes(sentence), `foreseen: "${sentence}"; the webhook says: "${told.said}"`)
  }
  expect(told.ok === (foreseen.kind !== 'refuse'), `foreseen: ${out}; the webhook says: "${told.said}"`)
  if (foreseen.kind !== 'assign') return foreseen.reason?.code ?? foreseen.kind
  const given = addressIn(JSON.parse(told.out) as Parameters<typeof addressIn>[0])
  expect(given === foreseen.addresses?.[0]?.address, `foreseen: ${out}; the webhook gives ${given}`)
  return given
}

export const foreseeing: readonly Claim[] = [
  {
    name: 'kubectl bellhop simulate pool and service: word for word what the webhook then answers',
    run: (lab) =>
      onStage(lab, { eips: { foreseen: { address: '172.23.61.0/29' } }, services: ['foreseen'] }, async () => {
        const directory = await mkdtemp(join(tmpdir(), 'bellhop-foreseen-'))
        try {
          const annotations = { [poolKey]: 'foreseen', [addressKey]: '172.23.61.6' }
          await createService(lab, { name: 'foreseen', annotations })
          const service = (asked: Readonly<Record<string, string>>): object =>
            serviceObject({ name: 'foreseen-next', annotations: asked })
          // Nothing is written, so none of them sees another.
          const seen = await Promise.all(
            (
              [
                ['pool', eipObject('foreseen', { address: '172.23.61.0/30' })],
                ['service', service({ [poolKey]: 'foreseen', [addressKey]: '172.22.0.1' })],
                ['service', service({ [poolKey]: 'foreseen', [addressKey]: '172.23.61.5' })],
                ['service', service({ [poolKey]: 'not-there' })],
              ] as const
            ).map(([kind, object], at) => agree(lab, kind, object, join(directory, `${at}.json`))),
          )
          const wanted = ['AddressInUse', 'AddressOutsidePool', '172.23.61.5', 'wait']
          expect(seen.join() === wanted.join(), `seen ${seen.join()}`)
          return seen.join(', ')
        } finally {
          await rm(directory, { recursive: true })
        }
      }),
  },
]
