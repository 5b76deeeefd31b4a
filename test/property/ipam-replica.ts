// A replica of the webhook: it decides by the records that it knows, which its watch brings when it is told to catch up,
// and claims at the API server, as webhook/ and io/pools do.
import { decideAdmission, judgeServiceUpdate } from '../../src/core/admission/index.ts'
import { type Draft, TakenIndex, isGivenUpFor } from '../../src/core/ipam/index.ts'
import { type Allocation, type Holder, readService } from '../../src/core/model/index.ts'
import type { ClaimRequest } from '../../src/io/pools/index.ts'
import { type Cluster, type StoredService, patchObject } from './ipam-cluster.ts'

const mostRounds = 5

export class Replica {
  readonly #cluster: Cluster
  readonly #known = new TakenIndex()
  #names: readonly string[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Its watch tells it everything. */
  catchUp(): void {
    const records = this.#cluster.records()
    for (const name of this.#names) this.#known.remove(name)
    for (const each of records) this.#known.put(each)
    this.#names = records.map(({ name }) => name)
  }

  #learn(record: Allocation): void {
    this.#known.put(record)
    this.#names = [...this.#names, record.name]
  }

  /** Patches the draft; false: refused. */
  admit(draft: StoredService): boolean {
    const cluster = this.#cluster
    const service = readService(draft as never)
    const nonce = `nonce-${cluster.next()}`
    let isRefreshed = false
    for (let round = 0; round < mostRounds; round++) {
      const options = { start: 0.5, nonce, unavailable: 'wait' } as const
      const admission = decideAdmission({ service, dryRun: false }, cluster.pools, this.#known, options)
      if (admission.kind === 'ignore') return true
      if (admission.kind === 'refuse') {
        if (admission.reason.code !== 'QuotaExceeded' || isRefreshed) return false
        this.catchUp()
        isRefreshed = true
        continue
      }
      if (admission.kind === 'wait') {
        patchObject(draft, admission.patch)
        return true
      }
      if (admission.kind === 'reuse') {
        if (!this.#areStillThere(admission.records)) continue
        patchObject(draft, admission.patch)
        return true
      }
      const got = this.#claim(admission.candidates, admission.holder)
      if (got === undefined) continue
      patchObject(draft, admission.patch(got))
      return true
    }
    return true
  }

  allows(before: StoredService, after: StoredService): boolean {
    const [was, is] = [readService(before as never), readService(after as never)]
    return judgeServiceUpdate(was, is, this.#cluster.pools, this.#known).kind !== 'refuse'
  }

  #areStillThere(records: readonly Allocation[]): boolean {
    return records.every(({ name, uid }) => {
      const found = this.#cluster.taken.get(name)
      if (found === undefined) this.#known.remove(name)
      else this.#learn(found)
      return found?.uid === uid
    })
  }

  #claim(candidates: Iterable<readonly Draft[]>, holder: Holder): readonly Draft[] | undefined {
    return claimAt(this.#cluster, { candidates, holder, regains: false }, (record) => this.#learn(record))
  }
}

/** All addresses of one candidate, within the quota of their Eips, or none. */
export function claimAt(
  cluster: Cluster,
  { candidates, holder, regains }: Pick<ClaimRequest, 'candidates' | 'holder' | 'regains'>,
  learn: (record: Allocation) => void = () => {},
): readonly Draft[] | undefined {
  for (const drafts of candidates) {
    const made: Allocation[] = []
    let had = 0
    for (const draft of drafts) {
      const { made: isNew, record } = cluster.createRecord(draft, holder)
      learn(record)
      if (isNew) made.push(record)
      const isOurs = isNew || record.holders.some(({ claim }) => claim === holder.claim)
      if (isOurs && (regains || isWithinQuota(cluster, record, holder))) had += 1
      else break
    }
    if (had === drafts.length) return drafts
    for (const record of made) cluster.deleteRecord(record)
  }
  return undefined
}

// The Service's own, which it gives back when it has moved, does not count.
function isWithinQuota({ pools, taken }: Cluster, { name, eip, address }: Allocation, holder: Holder): boolean {
  const most = pools.eips.get(eip)?.maxPerNamespace
  if (most === undefined) return true
  const counted = [...taken.ofEip(eip)].filter(
    (other) =>
      other.holders.some(({ namespace }) => namespace === holder.namespace) &&
      (other.name === name || !isGivenUpFor(other, address.family, holder)),
  )
  return counted.length <= most
}
