// `make lab-check`: a lab of its own, one line PASS or FAIL per claim with the figures seen, exit status 0 when all hold.
// `make test` leaves out what has to wait for a minute or more, `make test-long` does not.
import { readCommandLine, refuseCommandLine } from '../../tools/command-line.ts'
import { deployBellhop } from '../lab/bellhop.ts'
import { type Lab, startLab } from '../lab/index.ts'
import type { Claim } from './claim.ts'
import { mainJob } from './claims/main-job.ts'
import { departures } from './claims/departures.ts'
import { otherPorts } from './claims/other-ports.ts'
import { dualStack } from './claims/dual-stack.ts'
import { dualStackRoutes } from './claims/dual-stack-routes.ts'
import { badInput } from './claims/bad-input.ts'
import { poolSizes } from './claims/pool-sizes.ts'
import { addresses } from './claims/addresses.ts'
import { manyServices } from './claims/many-services.ts'
import { visible } from './claims/visible.ts'
import { asking } from './claims/asking.ts'
import { admission } from './claims/admission.ts'
import { lastAddress } from './claims/last-address.ts'
import { serviceEdits } from './claims/service-edits.ts'
import { pools } from './claims/pools.ts'
import { brokenObjects } from './claims/broken-objects.ts'
import { poolMetrics } from './claims/pool-metrics.ts'
import { alerts } from './claims/alerts.ts'
import { keeping } from './claims/keeping.ts'
import { moving } from './claims/moving.ts'
import { choosing } from './claims/choosing.ts'
import { bindings } from './claims/bindings.ts'
import { quotasAndRetention } from './claims/quotas-and-retention.ts'
import { sharing } from './claims/sharing.ts'
import { anySequence } from './claims/any-sequence.ts'
import { versions } from './claims/versions.ts'
import { fieldRules } from './claims/field-rules.ts'
import { webhook } from './claims/webhook.ts'
import { certificates } from './claims/certificates.ts'
import { life } from './claims/life.ts'
import { upheavals } from './claims/upheavals.ts'
import { disagreements } from './claims/disagreements.ts'
import { endpoints } from './claims/endpoints.ts'
import { peers } from './claims/peers.ts'
import { restarts } from './claims/restarts.ts'
import { rackRouters } from './claims/rack-routers.ts'
import { racks } from './claims/racks.ts'
import { outages } from './claims/outages.ts'
import { hostRoutes } from './claims/host-routes.ts'
import { sessions } from './claims/sessions.ts'
import { noRefusals, privileges } from './claims/privileges.ts'
import { confinement } from './claims/confinement.ts'
import { truth } from './claims/truth.ts'
import { guides, longGuides } from './claims/guides.ts'
import { foreseeing } from './claims/foreseeing.ts'
import { operating, uninstallInOrder } from './claims/operating.ts'
import { helmChart } from './claims/helm.ts'
import { uninstall } from './claims/uninstall.ts'

/** What has to wait for a minute or more. */
const slow: readonly Claim[] = [...truth, ...longGuides]
const claims: readonly Claim[] = [
  ...mainJob,
  ...departures,
  ...otherPorts,
  ...visible,
  ...asking,
  ...dualStack,
  ...dualStackRoutes,
  ...poolSizes,
  ...addresses,
  ...manyServices,
  ...badInput,
  ...admission,
  ...lastAddress,
  ...serviceEdits,
  ...pools,
  ...brokenObjects,
  ...poolMetrics,
  ...alerts,
  ...keeping,
  ...moving,
  ...choosing,
  ...bindings,
  ...quotasAndRetention,
  ...sharing,
  ...anySequence,
  ...versions,
  ...fieldRules,
  ...webhook,
  ...certificates,
  ...life,
  ...upheavals,
  ...disagreements,
  ...hostRoutes,
  ...privileges,
  ...confinement,
  ...racks,
  ...rackRouters,
  ...endpoints,
  ...sessions,
  ...peers,
  ...restarts,
  ...foreseeing,
  ...operating,
  ...guides,
  ...truth,
  noRefusals,
  // Its roles are deleted while programs still end.
  ...longGuides,
  // An API server that has just come back refuses everybody everything for a moment, until it knows the roles.
  ...outages,
  ...helmChart,
  ...uninstallInOrder,
  // The last: it leaves nothing of Bellhop.
  ...uninstall,
]
const defaultPrefix = 'bellhop-check-'
/** Room for the slowest claim's own limits. */
const claimLimitMs = 180_000

export interface ClaimOutcome {
  readonly name: string
  readonly passed: boolean
}

export interface LabCheckOptions {
  /** The first claim and those whose names match. */
  readonly only?: RegExp | undefined
  readonly prefix?: string | undefined
  /** Also what has to wait for a minute or more; default true. */
  readonly all?: boolean
  /** How often in a row each is shown; default once. */
  readonly times?: number
}

/** Brings a lab up, shows every claim, takes it down. A claim that fails does not stop the others. */
export async function runLabCheck(options: LabCheckOptions = {}): Promise<readonly ClaimOutcome[]> {
  const { only, prefix = defaultPrefix, all = true, times = 1 } = options
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const startedMs = performance.now()
  const seconds = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  const lab = await startLab({ prefix, progress: (line) => say(`  ${line}`) })
  const outcomes: ClaimOutcome[] = []
  const interrupted = (): void => void lab.stop().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  try {
    await deployBellhop(lab)
    say(`  Bellhop is ready after ${seconds()}`)
    for (const [index, claim] of claims.entries()) {
      if (only !== undefined && index > 0 && !only.test(claim.name)) continue
      if (!all && slow.includes(claim)) continue
      const name = `${index + 1}. ${claim.name}`
      // The first makes what the others use.
      for (let time = 0; time < (index === 0 ? 1 : times); time++) outcomes.push(await showClaim(lab, name, claim, say))
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted)
    await lab.stop({ keepLogs: outcomes.some(({ passed }) => !passed) || outcomes.length === 0 })
  }
  say(`lab check: ${outcomes.filter(({ passed }) => passed).length} of ${outcomes.length} claims hold, ${seconds()}`)
  return outcomes
}

async function showClaim(lab: Lab, name: string, claim: Claim, say: (line: string) => void): Promise<ClaimOutcome> {
  const startedMs = performance.now()
  const took = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  try {
    const figures = await limited(claim.run(lab), claimLimitMs)
    say(`PASS ${name} (${took()})\n       ${figures}`)
    return { name, passed: true }
  } catch (error) {
    say(`FAIL ${name} (${took()})\n       ${error instanceof Error ? error.message : String(error)}`)
    return { name, passed: false }
  }
}

function limited<T>(work: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`not shown within ${limitMs / 1000} s`)), limitMs)
    work.then(resolve, reject).finally(() => clearTimeout(limit))
  })
}

const usage = `usage: node test/e2e/lab-check.ts [--prefix PREFIX] [--times N] [PATTERN]

  PATTERN           a regular expression: only the first claim and those whose names match, as 'ROUTE|RACK'
  --prefix PREFIX   of the names of its namespaces: two checks can run at once when each has its own
  --times N         shows each claim so often in a row
`

function patternOf([pattern]: readonly string[]): RegExp | undefined {
  if (pattern === undefined) return undefined
  let only: RegExp
  try {
    only = new RegExp(pattern)
  } catch {
    return refuseCommandLine(usage, `${pattern} is no regular expression`)
  }
  if (!claims.some(({ name }) => only.test(name))) refuseCommandLine(usage, `no claim's name matches ${pattern}`)
  return only
}

if (import.meta.main) {
  const { values, positionals } = readCommandLine(
    usage,
    { prefix: { type: 'string' }, times: { type: 'string', default: '1' } },
    1,
  )
  const times = Number(values.times)
  if (!Number.isInteger(times) || times < 1)
    refuseCommandLine(usage, `--times ${values.times} is no count of 1 or more`)
  const only = patternOf(positionals)
  const outcomes = await runLabCheck({ only, prefix: values.prefix, times })
  process.exit(outcomes.every(({ passed }) => passed) ? 0 : 1)
}
