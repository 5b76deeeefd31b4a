// Sizes and bounds of pools, in every way to write one.
import { type Lab, waitFor } from '../../lab/index.ts'
import { type EipJson, type Stage, getEip, onStage } from '../address-steps.ts'
import { type Claim, expect } from '../claim.ts'

/** Creates Eips, looks at their status, removes them. */
function withEips<T>(
  lab: Lab,
  eips: Stage['eips'],
  look: (status: (name: string) => Promise<NonNullable<EipJson['status']>>) => Promise<T>,
): Promise<T> {
  return onStage(lab, { eips }, () =>
    look((name) =>
      waitFor(`size of Eip ${name}`, async () => {
        const { status } = await getEip(lab, name)
        return status?.poolSize === undefined ? undefined : status
      }),
    ),
  )
}

export const poolSizes: readonly Claim[] = [
  {
    name: 'POOL-01 POOL-02 POOL-03 sizes and bounds of a single address, a block with host bits, a range and a /64',
    run: (lab) =>
      withEips(
        lab,
        {
          single: { address: '192.168.70.1' },
          block: { address: '192.168.71.1/24' },
          range: { address: '192.168.72.1-192.168.72.100' },
          large: { address: 'fd00:1::/64' },
        },
        async (status) => {
          const single = await status('single')
          expect(
            single.poolSize === 1 &&
              single.firstIP === '192.168.70.1' &&
              single.lastIP === '192.168.70.1' &&
              single.v4 === true,
            `single: ${JSON.stringify(single)}`,
          )
          expect(single.usage === 0, `usage of single: ${single.usage}`)
          const { metadata } = await getEip(lab, 'single')
          expect((metadata.finalizers ?? []).length === 0, 'it has a finalizer')
          const block = await status('block')
          expect(
            block.poolSize === 256 && block.firstIP === '192.168.71.0' && block.lastIP === '192.168.71.255',
            `block: ${JSON.stringify(block)}`,
          )
          expect((await status('range')).poolSize === 100, 'range is not 100')
          const large = await status('large')
          expect(large.poolSize === 9007199254740991, `large: ${large.poolSize}`)
          return '1, 256, 100, 9007199254740991'
        },
      ),
  },
]
